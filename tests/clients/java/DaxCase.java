import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.QueryRequest;
import software.amazon.awssdk.services.dynamodb.model.QueryResponse;

/** An application of DAX's client, which knows nothing of what it talks to. The tables are there. */
abstract class DaxCase {
    static final String PRODUCTS = "products";
    static final String PIECES = "pieces";
    static final DynamoDbClient DAX = Dax.open();

    static final Comparator<Map<String, AttributeValue>> BY_TIME =
            Comparator.comparing(item -> Integer.parseInt(item.get("placed").n()));

    static Map<String, AttributeValue> both(
            Map<String, AttributeValue> one, Map<String, AttributeValue> other) {
        var all = new HashMap<>(one);
        all.putAll(other);
        return all;
    }

    static void put(String table, Map<String, AttributeValue> item) {
        DAX.putItem(put -> put.tableName(table).item(item));
    }

    /** Reads twice: the second answer may come from a cache, and must be the same. Past DAX it is the same, too. */
    static void assertFound(String table, Map<String, AttributeValue> key, Map<String, AttributeValue> item) {
        for (int twice = 0; twice < 2; twice++) {
            var answer = DAX.getItem(get -> get.tableName(table).key(key));
            assertEquals(item != null, answer.hasItem());
            assertEquals(item == null ? Map.of() : Dax.plain(item), Dax.plain(answer.item()));
        }
        var beside = Shop.CLIENT.getItem(get -> get.tableName(table).key(key));
        assertEquals(item == null ? Map.of() : Dax.plain(item), Dax.plain(beside.item()));
    }

    static void assertSays(AwsServiceException refused, String code, String words) {
        assertEquals(code, refused.awsErrorDetails().errorCode());
        assertTrue(refused.getMessage().contains(words), refused.getMessage());
    }

    /** Reads a query to its end, and again: the second time it may come from a cache. */
    static List<QueryResponse> pages(QueryRequest query) {
        var pages = pagesOnce(query);
        assertEquals(itemsOf(pages), itemsOf(pagesOnce(query)));
        return pages;
    }

    private static List<QueryResponse> pagesOnce(QueryRequest query) {
        var pages = new ArrayList<QueryResponse>();
        do {
            pages.add(DAX.query(query));
            query = query.toBuilder().exclusiveStartKey(pages.get(pages.size() - 1).lastEvaluatedKey()).build();
        } while (pages.get(pages.size() - 1).hasLastEvaluatedKey());
        return pages;
    }

    static List<Map<String, AttributeValue>> itemsOf(List<QueryResponse> pages) {
        return pages.stream().flatMap(page -> page.items().stream()).toList();
    }

    static QueryRequest.Builder ordersOf(String customer) {
        return QueryRequest.builder()
                .tableName(Shop.ORDERS)
                .keyConditionExpression("customer = :c")
                .expressionAttributeValues(Map.of(":c", Shop.s(customer)));
    }

    static AttributeValue list(AttributeValue... values) {
        return AttributeValue.fromL(List.of(values));
    }
}
