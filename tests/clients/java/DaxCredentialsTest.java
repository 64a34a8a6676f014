import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

/** An application with right credentials for DAX and with wrong ones. */
class DaxCredentialsTest {
    private static final String KEY = System.getenv("AWS_ACCESS_KEY_ID");
    private static final String SECRET = System.getenv("AWS_SECRET_ACCESS_KEY");
    private static final AwsCredentials RIGHT = AwsBasicCredentials.create(KEY, SECRET);
    private static final AwsCredentials UNKNOWN = AwsBasicCredentials.create("AKIDNOBODY", SECRET);

    private static void read(AwsCredentials credentials) {
        try (var client = Dax.open(() -> credentials)) {
            get(client);
        }
    }

    private static void get(DynamoDbClient client) {
        client.getItem(get -> get.tableName(Shop.ORDERS).key(Shop.key("credentials", 1)));
    }

    private static void assertRefused(String words, Executable call) {
        var message = assertThrows(RuntimeException.class, call).getMessage();
        assertTrue(message.contains(words), message);
    }

    /** The client cannot even start, and does not hand on why. */
    private static void assertRefusedAtOnce(AwsCredentials credentials) {
        assertRefused("No endpoints available", () -> read(credentials));
    }

    @Test
    void rightCredentials() {
        read(RIGHT);
    }

    @Test
    void wrongSecret() {
        assertRefusedAtOnce(AwsBasicCredentials.create(KEY, "wrong"));
    }

    @Test
    void unknownKey() {
        assertRefusedAtOnce(UNKNOWN);

        // What is wrong for a while only, a client outlives.
        var current = new AtomicReference<>(RIGHT);
        try (var client = Dax.open(current::get)) {
            get(client);
            current.set(UNKNOWN);
            assertRefused("not known", () -> get(client));
            current.set(RIGHT);
            get(client);
        }
    }
}
