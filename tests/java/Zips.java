import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;

/** Prints what both zip readers of Java see: reader, file, entry, size and CRC of its content. */
class Zips {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    public static void main(String[] files) throws Exception {
        for (String file : files) {
            try (ZipFile zip = new ZipFile(file)) {
                for (ZipEntry entry : Collections.list(zip.entries())) {
                    print("ZipFile", file, entry, zip.getInputStream(entry));
                }
            }
            try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(Path.of(file)))) {
                for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                    print("ZipInputStream", file, entry, zip);
                }
            }
        }
    }

    private static void print(String reader, String file, ZipEntry entry, InputStream in)
            throws Exception {
        byte[] content = in.readAllBytes();
        CRC32 crc = new CRC32();
        crc.update(content);
        String name = entry.getName();
        OUT.println(String.join("\t", reader, file, name, "" + content.length, "" + crc.getValue()));
    }
}
