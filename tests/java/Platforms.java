import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** Reads lines of file name, package name and version; prints the platform as `bal` finds it. */
class Platforms {
    public static void main(String[] none) throws Exception {
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] asked = line.split("\t", -1);
            System.out.println(platform(asked[0], asked[1], asked[2]));
        }
    }

    private static String platform(String file, String name, String version) {
        try {
            return "found " + file.split(name + "-")[1].split("-" + version)[0];
        } catch (ArrayIndexOutOfBoundsException failure) {
            return "nothing";
        }
    }
}
