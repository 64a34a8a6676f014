import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** An application with right credentials for DAX and with wrong ones. */
class DaxCredentialsTest {
    private static final String KEY = System.getenv("AWS_ACCESS_KEY_ID");
    private static final String SECRET = System.getenv("AWS_SECRET_ACCESS_KEY");

    private static void read(String key, String secret) {
        var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create(key, secret));
        try (var client = Dax.open(credentials)) {
            client.getItem(get -> get.tableName(Shop.ORDERS).key(Shop.key("credentials", 1)));
        }
    }

    private static void assertRefused(String key, String secret, String words) {
        var refused = assertThrows(RuntimeException.class, () -> read(key, secret));
        var text = new StringBuilder();
        for (Throwable cause = refused; cause != null; cause = cause.getCause()) {
            text.append(cause).append('\n');
        }
        assertTrue(text.toString().contains(words), text.toString());
    }

    @Test
    void rightCredentials() {
        read(KEY, SECRET);
    }

    @Test
    void wrongSecret() {
        assertRefused(KEY, "wrong", "check the secret");
    }

    @Test
    void unknownKey() {
        assertRefused("AKIDNOBODY", SECRET, "not known");
    }
}
