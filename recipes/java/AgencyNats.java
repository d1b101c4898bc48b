import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * Refer, follow and replay over NATS, with nothing but the JDK (17 or later): over WebSocket, in the few lines of protocol that it takes.
 *
 *     echo '{"reference": "A-1", "urgency": "high", "callback": "+62 ..."}' | java AgencyNats.java refer referrals.txt
 *     java AgencyNats.java follow events.txt
 *     java AgencyNats.java replay 2026-11-01T00:00:00Z [agency.sheltered.v1 ...]
 *
 * Where Maven Central can be reached take jnats (io.nats:jnats) instead of the class Connection below; the rest stays as it is. What is sent is kept in a
 * file first, and sent again until its receipt is in the file too; an event is acknowledged when it is in the file. Killed and started again, it goes on.
 */
public class AgencyNats {
    private static final String AGENCY = System.getenv("NAUNGAN_AGENCY");
    private static final String API = "$JS.API.CONSUMER.MSG.NEXT.";
    private static final long FIRST = (long) (1000 * Double.parseDouble(System.getenv().getOrDefault("NAUNGAN_RESEND", "15")));
    private static final long LONGEST = 600_000;

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "refer" -> refer(Path.of(arguments[1]));
            case "follow" -> follow(Path.of(arguments[1]));
            default -> replay(arguments);
        }
    }

    /** A referral line is `> body`, a receipt line `< reference body`; a referral that has no receipt is sent again. */
    private static void refer(Path file) throws Exception {
        Map<String, String> waiting = new LinkedHashMap<>();
        Set<String> known = new HashSet<>();
        for (var line : whole(file)) {
            if (line.startsWith("> ")) {
                known.add(field(line, "reference"));
                waiting.put(field(line, "reference"), line.substring(2));
            } else {
                waiting.remove(line.split(" ", 3)[1]);
                System.out.println(line.split(" ", 3)[2]); // whoever was killed may have kept it and not said it
            }
        }
        for (var line : new String(System.in.readAllBytes(), StandardCharsets.UTF_8).lines().filter(text -> !text.isBlank()).toList()) {
            if (!known.add(field(line, "reference"))) continue;
            keep(file, "> " + line);
            waiting.put(field(line, "reference"), line);
        }
        Map<String, Long> due = new HashMap<>(), pauses = new HashMap<>();
        while (!waiting.isEmpty()) {
            try (var connection = new Connection()) {
                while (!waiting.isEmpty()) {
                    var now = System.currentTimeMillis();
                    for (var each : waiting.entrySet()) {
                        if (due.getOrDefault(each.getKey(), 0L) > now) continue;
                        var pause = pauses.merge(each.getKey(), FIRST, (before, first) -> Math.min(2 * before, LONGEST));
                        due.put(each.getKey(), now + pause);
                        connection.publish("referral." + AGENCY + ".submitted.v1", "", each.getValue());
                    }
                    for (Message message; (message = connection.pull("RECEIPTS.agency-" + AGENCY, Duration.ofSeconds(1))) != null; ) {
                        var reference = field(message.body, "reference");
                        var kind = message.headers.get("ce-type").split("\\.")[1];
                        var receipt = "{\"receipt\": \"" + kind + "\", " + message.body.strip().substring(1);
                        if (reference != null && waiting.containsKey(reference)) {
                            keep(file, "< " + reference + " " + receipt);
                            waiting.remove(reference);
                            System.out.println(receipt);
                        } else if (reference == null) {
                            System.out.println(receipt); // it could not be read at all
                        }
                        connection.publish(message.reply, "", "+ACK");
                        if (waiting.isEmpty()) break;
                    }
                }
                connection.flush();
            } catch (IOException error) {
                again(error);
            }
        }
    }

    /** Each event once in the file, as a line of its id and a CloudEvent. */
    private static void follow(Path file) throws Exception {
        Set<String> heard = new HashSet<>();
        for (var line : whole(file)) heard.add(line.split(" ", 2)[0]);
        while (true) {
            try (var connection = new Connection()) {
                while (true) {
                    var message = connection.pull("AGENCIES.agency-" + AGENCY, Duration.ofSeconds(5));
                    if (message == null) continue;
                    if (heard.add(message.headers.get("ce-id"))) {
                        keep(file, message.headers.get("ce-id") + " " + cloudEvent(message));
                        System.out.println(cloudEvent(message));
                    }
                    connection.publish(message.reply, "", "+ACK");
                }
            } catch (IOException error) {
                again(error);
            }
        }
    }

    private static final Pattern PAGE = Pattern.compile("^\\{\"events\":(\\[.*\\]),\"position\":\"([^\"]+)\",\"more\":(true|false)\\}$", Pattern.DOTALL);

    /** Each page of a replay as it came, a JSON list of events and their positions to a line. */
    private static void replay(String[] arguments) throws Exception {
        var types = new StringBuilder();
        for (int each = 2; each < arguments.length; each++) types.append(each > 2 ? "," : "").append('"').append(arguments[each]).append('"');
        var from = "\"since\": \"" + arguments[1] + "\"";
        for (var more = true; more; ) {
            try (var connection = new Connection()) {
                var answer = connection.ask("feed." + AGENCY + ".replay", "{" + from + ", \"types\": [" + types + "]}", Duration.ofSeconds(10));
                var page = answer == null ? null : PAGE.matcher(answer.body);
                if (page != null && page.matches()) {
                    System.out.println(page.group(1));
                    from = "\"after\": \"" + page.group(2) + "\"";
                    more = page.group(3).equals("true");
                } else if (answer == null || answer.body.isEmpty() || answer.body.contains("\"status\":429") || answer.body.contains("\"status\":503")) {
                    Thread.sleep(1000); // nobody answers just now
                } else {
                    System.err.println(answer.body);
                    System.exit(1);
                }
            } catch (IOException error) {
                again(error);
            }
        }
    }

    private static String cloudEvent(Message message) {
        var told = message.headers;
        return "{\"specversion\": \"1.0\", \"id\": \"" + told.get("ce-id") + "\", \"type\": \"" + told.get("ce-type") + "\", \"source\": \"" + told.get("ce-source")
                + "\", \"subject\": \"" + told.get("ce-subject") + "\", \"time\": \"" + told.get("ce-time") + "\", \"factversion\": " + told.get("ce-factversion")
                + ", \"data\": " + message.body + "}";
    }

    /** The JDK reads no JSON; with a library of yours this is a line of it. Null where the field is null or not there. */
    private static String field(String json, String name) {
        var found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]+)\"").matcher(json);
        return found.find() ? found.group(1) : null;
    }

    /** The whole lines of a file: what was being written when this died has no line end, and is cut off. */
    private static java.util.List<String> whole(Path file) throws IOException {
        if (!Files.exists(file)) return java.util.List.of();
        var text = Files.readString(file);
        var kept = text.substring(0, text.lastIndexOf('\n') + 1);
        if (kept.length() < text.length()) Files.writeString(file, kept);
        return kept.lines().toList();
    }

    private static void keep(Path file, String line) throws IOException {
        Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND, StandardOpenOption.DSYNC);
    }

    private static void again(IOException error) throws InterruptedException {
        System.err.println(error.getMessage() + ", again");
        Thread.sleep(500);
    }

    record Message(String subject, String sid, String reply, Map<String, String> headers, String body) {}

    /** One connection to the broker; whatever ends it is an IOException for whoever uses it. */
    static class Connection implements WebSocket.Listener, AutoCloseable {
        private static final byte[] ENDED = {};
        private final LinkedBlockingQueue<byte[]> came = new LinkedBlockingQueue<>();
        private final WebSocket socket;
        private final String inbox = "_INBOX_" + AGENCY + "." + Long.toHexString(System.nanoTime());
        private byte[] buffer = {};
        private int read = 0;
        private int asked = 0;

        Connection() throws IOException, InterruptedException {
            try {
                var client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
                socket = client.newWebSocketBuilder().buildAsync(URI.create(System.getenv("NAUNGAN_NATS")), this).get(10, TimeUnit.SECONDS);
            } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException error) {
                throw new IOException("no broker: " + error.getMessage());
            }
            send("CONNECT {\"verbose\": false, \"headers\": true, \"no_responders\": true, \"user\": \"" + AGENCY + "\", \"pass\": \"" + System.getenv("NAUNGAN_PASSWORD")
                    + "\"}\r\nSUB " + inbox + ".* 1\r\n");
            flush();
        }

        void publish(String subject, String reply, String body) throws IOException {
            var bytes = body.getBytes(StandardCharsets.UTF_8);
            send("PUB " + subject + " " + reply + " " + bytes.length + "\r\n" + body + "\r\n");
        }

        /** What somebody answers, within so long; null where nobody does. */
        Message ask(String subject, String body, Duration patience) throws IOException {
            var reply = inbox + "." + ++asked;
            publish(subject, reply, body);
            for (var until = System.nanoTime() + patience.toNanos(); ; ) {
                var message = next(until);
                if (message == null) return null;
                // A message of a durable has a subject of its own: it came late for an earlier question, and comes again unacknowledged.
                if (message.sid.equals("1") && (message.subject.equals(reply) || message.reply != null && message.reply.startsWith("$JS.ACK."))) return message;
            }
        }

        /** The next message of a durable, as `STREAM.NAME`; null where there is none within so long. */
        Message pull(String durable, Duration patience) throws IOException {
            var message = ask(API + durable, "{\"batch\": 1, \"expires\": " + patience.toNanos() + "}", patience.plusSeconds(2));
            return message == null || message.reply == null ? null : message; // 404 or 408: nothing is there
        }

        /** Wait until the broker has all that was sent. */
        void flush() throws IOException {
            send("PING\r\n");
            var until = System.nanoTime() + Duration.ofSeconds(10).toNanos();
            for (String line; !(line = line(until)).equals("PONG"); ) {
                if (line.startsWith("-ERR")) throw new IOException(line);
                if (line.startsWith("MSG") || line.startsWith("HMSG")) message(line, until); // what is not acknowledged comes again
            }
        }

        private Message next(long until) throws IOException {
            while (true) {
                String line;
                try {
                    line = line(until);
                } catch (Late late) {
                    return null;
                }
                if (line.startsWith("MSG") || line.startsWith("HMSG")) return message(line, until + Duration.ofSeconds(10).toNanos());
                if (line.equals("PING")) send("PONG\r\n");
                if (line.startsWith("-ERR")) throw new IOException(line);
            }
        }

        /** `MSG subject sid [reply] bytes`, or `HMSG subject sid [reply] header-bytes bytes`. */
        private Message message(String line, long until) throws IOException {
            var parts = line.split(" +");
            var headed = parts[0].equals("HMSG");
            var fixed = headed ? 5 : 4;
            var reply = parts.length > fixed ? parts[3] : null;
            var all = take(Integer.parseInt(parts[parts.length - 1]) + 2, until);
            var head = headed ? Integer.parseInt(parts[parts.length - 2]) : 0;
            Map<String, String> headers = new HashMap<>();
            for (var each : new String(all, 0, head, StandardCharsets.UTF_8).split("\r\n")) {
                var colon = each.indexOf(':');
                if (colon > 0) headers.put(each.substring(0, colon), each.substring(colon + 1).strip());
            }
            return new Message(parts[1], parts[2], reply, headers, new String(all, head, all.length - 2 - head, StandardCharsets.UTF_8));
        }

        /** A line; `Late` when none begins in time. One that began is waited for, or the connection is given up. */
        private String line(long until) throws IOException {
            var line = new ByteArrayOutputStream();
            var one = take(1, until)[0];
            try {
                for (; one != '\n'; one = take(1, until + Duration.ofSeconds(10).toNanos())[0]) if (one != '\r') line.write(one);
            } catch (Late late) {
                throw new IOException("half a line");
            }
            return line.toString(StandardCharsets.UTF_8);
        }

        /** So many bytes of what came, however it was cut into frames. */
        private byte[] take(int count, long until) throws IOException {
            var taken = ByteBuffer.allocate(count);
            while (taken.hasRemaining()) {
                if (read == buffer.length) {
                    try {
                        buffer = came.poll(Math.max(1, until - System.nanoTime()), TimeUnit.NANOSECONDS);
                    } catch (InterruptedException error) {
                        throw new IOException(error);
                    }
                    read = 0;
                    if (buffer == null) {
                        buffer = new byte[0];
                        throw new Late();
                    }
                    if (buffer == ENDED) throw new IOException("the connection ended");
                }
                var part = Math.min(taken.remaining(), buffer.length - read);
                taken.put(buffer, read, part);
                read += part;
            }
            return taken.array();
        }

        private void send(String text) throws IOException {
            try {
                socket.sendBinary(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), true).get(10, TimeUnit.SECONDS);
            } catch (InterruptedException | java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException error) {
                throw new IOException("not sent: " + error.getMessage());
            }
        }

        @Override
        public CompletionStage<?> onBinary(WebSocket from, ByteBuffer data, boolean last) {
            var bytes = new byte[data.remaining()];
            data.get(bytes);
            if (bytes.length > 0) came.add(bytes);
            from.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
            came.add(ENDED);
            return null;
        }

        @Override
        public void onError(WebSocket from, Throwable error) {
            came.add(ENDED);
        }

        @Override
        public void close() {
            socket.abort();
        }
    }

    static class Late extends IOException {}
}
