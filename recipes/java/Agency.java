import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Refer and follow over plain HTTP, with nothing but the JDK (17 or later):
 *
 *     echo '{"reference": "A-1", "urgency": "high", "callback": "+62 ..."}' | java Agency.java refer
 *     java Agency.java follow events.txt
 *
 * `refer` prints each receipt, or the problem with the fields to correct; without an answer it sends again under the same Idempotency-Key.
 * `follow` keeps each event with its position as one line of a file, goes on from the last whole one, and begins at the beginning without one.
 */
public class Agency {
    private static final String URL = System.getenv("NAUNGAN_URL") + "/intake";
    private static final Set<Integer> AGAIN = Set.of(429, 502, 503, 504);
    private static final int GONE = 410;
    private static final Pattern REFERENCE = Pattern.compile("\"reference\"\\s*:\\s*\"([^\"]+)\"");
    private static final HttpClient CLIENT = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("refer")) {
            try (var lines = new BufferedReader(new InputStreamReader(System.in))) {
                for (String line; (line = lines.readLine()) != null; ) refer(line);
            }
        } else {
            follow(Path.of(arguments[1]));
        }
    }

    private static HttpRequest.Builder ask(String path) {
        return HttpRequest.newBuilder(URI.create(URL + path)).header("Authorization", "Bearer " + System.getenv("NAUNGAN_TOKEN"));
    }

    private static void refer(String body) throws InterruptedException {
        var found = REFERENCE.matcher(body);
        var reference = found.find() ? found.group(1) : "none";
        var request = ask("/reports").header("Content-Type", "application/json").header("Idempotency-Key", "referral:" + reference)
                .timeout(Duration.ofSeconds(10)).POST(HttpRequest.BodyPublishers.ofString(body)).build();
        for (long pause = 500; ; pause = Math.min(2 * pause, 30_000)) {
            try {
                var answer = CLIENT.send(request, BodyHandlers.ofString());
                if (!AGAIN.contains(answer.statusCode())) {
                    System.out.println(answer.body());
                    return;
                }
            } catch (IOException error) {
                System.err.println(reference + ": " + error + ", again");
            }
            Thread.sleep(pause);
        }
    }

    private static void follow(Path file) throws IOException, InterruptedException {
        while (true) {
            try {
                listen(file);
            } catch (IOException error) {
                System.err.println(error + ", again");
                Thread.sleep(500);
            }
        }
    }

    /** Each line of the file is a position, a space and an event. What was being written when this died has no line end: it is cut off. */
    private static String position(Path file) throws IOException {
        if (!Files.exists(file)) return null;
        var text = Files.readString(file);
        var whole = text.substring(0, text.lastIndexOf('\n') + 1);
        if (whole.length() < text.length()) Files.writeString(file, whole);
        List<String> lines = whole.lines().toList();
        return lines.isEmpty() ? null : lines.get(lines.size() - 1).split(" ", 2)[0];
    }

    private static void listen(Path file) throws IOException, InterruptedException {
        var position = position(file);
        var request = ask("/feed/events").header("Accept", "text/event-stream");
        if (position != null) request.header("Last-Event-ID", position);
        var answer = CLIENT.send(request.build(), BodyHandlers.ofLines());
        if (answer.statusCode() == GONE) {
            Files.delete(file);
            return;
        }
        if (answer.statusCode() != 200) throw new IOException("refused: " + answer.statusCode());
        String id = null, data = null;
        try (var lines = answer.body()) {
            for (var each = lines.iterator(); each.hasNext(); ) {
                var line = each.next();
                if (line.startsWith("id: ")) id = line.substring(4);
                if (line.startsWith("data: ")) data = line.substring(6);
                if (line.isEmpty() && data != null) {
                    Files.writeString(file, id + " " + data + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND, StandardOpenOption.DSYNC);
                    System.out.println(data);
                    data = null;
                }
            }
        } catch (java.io.UncheckedIOException lost) {
            throw lost.getCause();
        }
    }
}
