import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.dax.ClusterDaxAsyncClient;
import software.amazon.dax.ClusterDaxClient;
import software.amazon.dax.Configuration;

/** DAX's client: the one that waits for answers, or, if the property dax.client says so, the async one. */
final class Dax {
    private Dax() {}

    static DynamoDbClient open() {
        return open(DefaultCredentialsProvider.builder().build());
    }

    static DynamoDbClient open(AwsCredentialsProvider credentials) {
        var configuration =
                Configuration.builder()
                        .url(System.getenv("DAX_ENDPOINT"))
                        .credentialsProvider(credentials)
                        // A retry would hide an answer that the test should see.
                        .readRetries(0)
                        .writeRetries(0)
                        .build();
        try {
            return System.getProperty("dax.client").equals("async")
                    ? waiting(ClusterDaxAsyncClient.builder().overrideConfiguration(configuration).build())
                    : ClusterDaxClient.builder().overrideConfiguration(configuration).build();
        } catch (IOException cause) {
            throw new UncheckedIOException(cause);
        }
    }

    /** The async client with the other one's methods, so that the tests are the same. */
    private static DynamoDbClient waiting(DynamoDbAsyncClient client) {
        return (DynamoDbClient)
                Proxy.newProxyInstance(
                        Dax.class.getClassLoader(),
                        new Class<?>[] {DynamoDbClient.class},
                        (proxy, method, arguments) -> {
                            var same = DynamoDbAsyncClient.class.getMethod(method.getName(), method.getParameterTypes());
                            try {
                                var answer = same.invoke(client, arguments);
                                return answer instanceof CompletableFuture<?> later ? later.join() : answer;
                            } catch (InvocationTargetException | CompletionException failed) {
                                throw failed.getCause();
                            }
                        });
    }

    /** An item for comparisons: numbers may be written in several ways, and sets have no order. */
    static Map<String, Object> plain(Map<String, AttributeValue> item) {
        var plain = new HashMap<String, Object>();
        item.forEach((name, value) -> plain.put(name, plain(value)));
        return plain;
    }

    static List<Map<String, Object>> plain(List<Map<String, AttributeValue>> items) {
        return items.stream().map(Dax::plain).toList();
    }

    private static Object plain(AttributeValue value) {
        return switch (value.type()) {
            case N -> number(value.n());
            case L -> value.l().stream().map(Dax::plain).toList();
            case M -> plain(value.m());
            case SS -> new TreeSet<>(value.ss());
            case NS -> new TreeSet<>(value.ns().stream().map(Dax::number).toList());
            case BS -> new TreeSet<>(value.bs().stream().map(SdkBytes::asByteBuffer).toList());
            default -> value;
        };
    }

    private static BigDecimal number(String text) {
        var number = new BigDecimal(text);
        return number.signum() == 0 ? BigDecimal.ZERO : number.stripTrailingZeros();
    }
}
