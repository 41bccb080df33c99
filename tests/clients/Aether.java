import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.maven.repository.internal.MavenRepositorySystemUtils;
import org.eclipse.aether.DefaultRepositorySystemSession;
import org.eclipse.aether.RepositorySystem;
import org.eclipse.aether.artifact.Artifact;
import org.eclipse.aether.artifact.DefaultArtifact;
import org.eclipse.aether.connector.basic.BasicRepositoryConnectorFactory;
import org.eclipse.aether.deployment.DeployRequest;
import org.eclipse.aether.impl.DefaultServiceLocator;
import org.eclipse.aether.metadata.DefaultMetadata;
import org.eclipse.aether.metadata.Metadata;
import org.eclipse.aether.repository.LocalRepository;
import org.eclipse.aether.repository.RemoteRepository;
import org.eclipse.aether.repository.RepositoryPolicy;
import org.eclipse.aether.resolution.ArtifactRequest;
import org.eclipse.aether.resolution.MetadataRequest;
import org.eclipse.aether.resolution.MetadataResult;
import org.eclipse.aether.resolution.VersionRangeRequest;
import org.eclipse.aether.spi.connector.RepositoryConnectorFactory;
import org.eclipse.aether.spi.connector.transport.PutTask;
import org.eclipse.aether.spi.connector.transport.Transporter;
import org.eclipse.aether.spi.connector.transport.TransporterFactory;
import org.eclipse.aether.spi.connector.transport.TransporterProvider;
import org.eclipse.aether.transport.http.HttpTransporterFactory;
import org.eclipse.aether.util.artifact.SubArtifact;
import org.eclipse.aether.util.repository.AuthenticationBuilder;

/**
 * Makes the calls that `bal` makes, with the HTTP transport that it uses.
 *
 * Each line of the input is a command with fields between tabs: what to do, the repository's url,
 * user name and token (both empty: none), and what it is about. Each answer is a line as well. A
 * command has a session of its own, as every run of `bal` has.
 */
public final class Aether {
    private static final String ANY_VERSION = "[0,)";

    private final RepositorySystem system;
    private final TransporterProvider transporters;
    private final Path folder;

    private Aether(Path folder) {
        DefaultServiceLocator locator = MavenRepositorySystemUtils.newServiceLocator();
        locator.addService(RepositoryConnectorFactory.class, BasicRepositoryConnectorFactory.class);
        locator.addService(TransporterFactory.class, HttpTransporterFactory.class);
        this.system = locator.getService(RepositorySystem.class);
        this.transporters = locator.getService(TransporterProvider.class);
        this.folder = folder;
    }

    public static void main(String[] arguments) throws Exception {
        Aether client = new Aether(Path.of(arguments[0]));
        BufferedReader input =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            System.out.println(client.answer(line.split("\t", -1)));
            System.out.flush();
        }
    }

    private String answer(String[] command) {
        try {
            return "ok\t" + run(command);
        } catch (Exception failure) {
            return "failed\t" + String.valueOf(failure.getMessage()).replaceAll("\\s+", " ");
        }
    }

    private String run(String[] command) throws Exception {
        RemoteRepository repository = repository(command[1], command[2], command[3]);
        DefaultRepositorySystemSession session = session();
        switch (command[0]) {
            case "push":
                return push(session, repository, command);
            case "pull":
                return pull(session, repository, artifact(command[4], command[5], command[6], "bala"));
            case "graph":
                Artifact graph =
                    new DefaultArtifact(command[4], command[5], "depgraph", "json", command[6]);
                return pull(session, repository, graph);
            case "versions":
                return versions(session, repository, artifact(command[4], command[5], ANY_VERSION, "bala"));
            case "sbom":
                return sbom(session, repository, command[4], command[5]);
            case "metadata":
                return metadata(session, repository, command[4], command[5]);
            default:
                throw new IllegalArgumentException(command[0]);
        }
    }

    /** `bal push --repository=ID`: the bala, its POM, and the metadata that the library merges. */
    private String push(DefaultRepositorySystemSession session, RemoteRepository repository, String[] command)
            throws Exception {
        Artifact bala = artifact(command[4], command[5], command[6], "bala").setFile(new File(command[7]));
        Path pom = Files.createTempFile(folder, "pom", ".xml");
        Files.writeString(pom, pomOf(bala));
        DeployRequest request = new DeployRequest().setRepository(repository);
        request.addArtifact(bala).addArtifact(new SubArtifact(bala, "", "pom", pom.toFile()));
        system.deploy(session, request);
        return "";
    }

    /** The bill of materials goes by a transporter of its own, which asks for credentials again. */
    private String sbom(
            DefaultRepositorySystemSession session, RemoteRepository repository, String path, String file)
            throws Exception {
        try (Transporter transporter = transporters.newTransporter(session, repository)) {
            transporter.put(new PutTask(URI.create(path)).setDataFile(new File(file)));
        }
        return "";
    }

    private String pull(DefaultRepositorySystemSession session, RemoteRepository repository, Artifact wanted)
            throws Exception {
        session.setChecksumPolicy(RepositoryPolicy.CHECKSUM_POLICY_IGNORE);
        ArtifactRequest request = new ArtifactRequest().setArtifact(wanted).addRepository(repository);
        return system.resolveArtifact(session, request).getArtifact().getFile().toString();
    }

    private String versions(DefaultRepositorySystemSession session, RemoteRepository repository, Artifact wanted)
            throws Exception {
        VersionRangeRequest request = new VersionRangeRequest().setArtifact(wanted).addRepository(repository);
        return system.resolveVersionRange(session, request).getVersions().toString();
    }

    private String metadata(
            DefaultRepositorySystemSession session, RemoteRepository repository, String group, String artifact)
            throws Exception {
        session.setChecksumPolicy(RepositoryPolicy.CHECKSUM_POLICY_IGNORE);
        Metadata wanted =
            new DefaultMetadata(group, artifact, "maven-metadata.xml", Metadata.Nature.RELEASE_OR_SNAPSHOT);
        MetadataRequest request = new MetadataRequest().setMetadata(wanted).setRepository(repository);
        List<MetadataRequest> requests = new ArrayList<>();
        requests.add(request);
        MetadataResult result = system.resolveMetadata(session, requests).get(0);
        if (result.getException() != null) {
            throw result.getException();
        }
        return result.getMetadata().getFile().toString();
    }

    private static Artifact artifact(String org, String name, String version, String extension) {
        return new DefaultArtifact(org, name, extension, version);
    }

    private static String pomOf(Artifact bala) {
        return "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>"
            + "<groupId>" + bala.getGroupId() + "</groupId>"
            + "<artifactId>" + bala.getArtifactId() + "</artifactId>"
            + "<version>" + bala.getVersion() + "</version><packaging>bala</packaging></project>";
    }

    private static RemoteRepository repository(String url, String user, String token) {
        RepositoryPolicy always = new RepositoryPolicy(
            true, RepositoryPolicy.UPDATE_POLICY_ALWAYS, RepositoryPolicy.CHECKSUM_POLICY_WARN);
        RemoteRepository.Builder builder = new RemoteRepository.Builder("ballroom", "default", url);
        builder.setPolicy(always);
        if (!user.isEmpty() && !token.isEmpty()) {
            builder.setAuthentication(
                new AuthenticationBuilder().addUsername(user).addPassword(token).build());
        }
        return builder.build();
    }

    private DefaultRepositorySystemSession session() throws Exception {
        DefaultRepositorySystemSession session = MavenRepositorySystemUtils.newSession();
        LocalRepository local = new LocalRepository(Files.createTempDirectory(folder, "local").toFile());
        session.setLocalRepositoryManager(system.newLocalRepositoryManager(session, local));
        return session;
    }
}
