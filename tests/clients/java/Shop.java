import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.core.client.config.ClientOverrideConfiguration;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.core.waiters.WaiterOverrideConfiguration;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeDefinition;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.CreateTableRequest;
import software.amazon.awssdk.services.dynamodb.model.GlobalSecondaryIndex;
import software.amazon.awssdk.services.dynamodb.model.KeySchemaElement;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.ProjectionType;
import software.amazon.awssdk.services.dynamodb.model.PutRequest;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;
import software.amazon.awssdk.services.dynamodb.waiters.DynamoDbWaiter;

/** The table of orders, and how the application reads and writes it. The environment says where that is. */
final class Shop {
    static final String ORDERS = "orders";
    static final String BY_STATE = "by-state";

    // A retry would hide an answer that the test should see.
    private static final ClientOverrideConfiguration ONE_ATTEMPT =
            ClientOverrideConfiguration.builder()
                    .retryStrategy(RetryMode.STANDARD)
                    .retryStrategy(retry -> retry.maxAttempts(1))
                    .build();

    static final DynamoDbClient CLIENT = DynamoDbClient.builder().overrideConfiguration(ONE_ATTEMPT).build();
    static final DynamoDbAsyncClient ASYNC =
            DynamoDbAsyncClient.builder().overrideConfiguration(ONE_ATTEMPT).build();

    // Polls more often than the SDK would: the servers are at hand.
    static final DynamoDbWaiter WAITER =
            DynamoDbWaiter.builder()
                    .client(CLIENT)
                    .overrideConfiguration(
                            WaiterOverrideConfiguration.builder()
                                    .maxAttempts(100)
                                    .backoffStrategyV2(BackoffStrategy.fixedDelay(Duration.ofMillis(50)))
                                    .build())
                    .build();

    private Shop() {}

    static CreateTableRequest definition(String table) {
        var byState =
                GlobalSecondaryIndex.builder()
                        .indexName(BY_STATE)
                        .keySchema(keys("state", "placed"))
                        .projection(all -> all.projectionType(ProjectionType.ALL))
                        .build();
        return CreateTableRequest.builder()
                .tableName(table)
                .billingMode(BillingMode.PAY_PER_REQUEST)
                .attributeDefinitions(
                        attribute("customer", ScalarAttributeType.S),
                        attribute("placed", ScalarAttributeType.N),
                        attribute("state", ScalarAttributeType.S))
                .keySchema(keys("customer", "placed"))
                .globalSecondaryIndexes(byState)
                .build();
    }

    static AttributeDefinition attribute(String name, ScalarAttributeType type) {
        return AttributeDefinition.builder().attributeName(name).attributeType(type).build();
    }

    static List<KeySchemaElement> keys(String hash, String range) {
        return List.of(
                KeySchemaElement.builder().attributeName(hash).keyType(KeyType.HASH).build(),
                KeySchemaElement.builder().attributeName(range).keyType(KeyType.RANGE).build());
    }

    static void createTable(String table) {
        CLIENT.createTable(definition(table));
        WAITER.waitUntilTableExists(of -> of.tableName(table));
    }

    static void deleteTable(String table) {
        CLIENT.deleteTable(of -> of.tableName(table));
        WAITER.waitUntilTableNotExists(of -> of.tableName(table));
    }

    static AttributeValue s(String text) {
        return AttributeValue.fromS(text);
    }

    static AttributeValue n(Object number) {
        return AttributeValue.fromN(number.toString());
    }

    static Map<String, AttributeValue> key(String customer, int placed) {
        return Map.of("customer", s(customer), "placed", n(placed));
    }

    static Map<String, AttributeValue> order(String customer, int placed) {
        var order = new HashMap<>(key(customer, placed));
        order.put("state", s(placed % 2 == 1 ? "open" : "paid"));
        order.put("cents", n(placed * 10));
        return order;
    }

    static Map<String, AttributeValue> with(Map<String, AttributeValue> order, String name, AttributeValue value) {
        var changed = new HashMap<>(order);
        changed.put(name, value);
        return changed;
    }

    static void put(Map<String, AttributeValue> item) {
        CLIENT.putItem(put -> put.tableName(ORDERS).item(item));
    }

    /** Reads twice, by both clients: the second answer may come from a cache, and must be the same. */
    static Map<String, AttributeValue> found(String customer, int placed) {
        var first = CLIENT.getItem(get -> get.tableName(ORDERS).key(key(customer, placed)));
        var second = ASYNC.getItem(get -> get.tableName(ORDERS).key(key(customer, placed))).join();
        assertEquals(first.hasItem(), second.hasItem());
        assertEquals(first.item(), second.item());
        return first.hasItem() ? first.item() : null;
    }

    /** Puts the customer's first orders, and returns them. */
    static List<Map<String, AttributeValue>> fill(String customer, int count) {
        var all = new ArrayList<Map<String, AttributeValue>>();
        for (int placed = 0; placed < count; placed++) {
            all.add(order(customer, placed));
        }
        for (int from = 0; from < count; from += 25) {
            var puts =
                    all.subList(from, Math.min(from + 25, count)).stream()
                            .map(item -> PutRequest.builder().item(item).build())
                            .map(put -> WriteRequest.builder().putRequest(put).build())
                            .toList();
            var answer = CLIENT.batchWriteItem(batch -> batch.requestItems(Map.of(ORDERS, puts)));
            assertTrue(answer.unprocessedItems().isEmpty());
        }
        return all;
    }
}
