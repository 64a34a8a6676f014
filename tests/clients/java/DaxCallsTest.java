import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.CancellationReason;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.ConsumedCapacity;
import software.amazon.awssdk.services.dynamodb.model.DynamoDbException;
import software.amazon.awssdk.services.dynamodb.model.IdempotentParameterMismatchException;
import software.amazon.awssdk.services.dynamodb.model.ItemResponse;
import software.amazon.awssdk.services.dynamodb.model.KeysAndAttributes;
import software.amazon.awssdk.services.dynamodb.model.QueryRequest;
import software.amazon.awssdk.services.dynamodb.model.QueryResponse;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;
import software.amazon.awssdk.services.dynamodb.model.ReturnConsumedCapacity;
import software.amazon.awssdk.services.dynamodb.model.ReturnValue;
import software.amazon.awssdk.services.dynamodb.model.ReturnValuesOnConditionCheckFailure;
import software.amazon.awssdk.services.dynamodb.model.ScanRequest;
import software.amazon.awssdk.services.dynamodb.model.ScanResponse;
import software.amazon.awssdk.services.dynamodb.model.Select;
import software.amazon.awssdk.services.dynamodb.model.TransactGetItem;
import software.amazon.awssdk.services.dynamodb.model.TransactWriteItem;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;
import software.amazon.awssdk.services.dynamodb.model.UpdateItemRequest;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

/** What an application of DAX's client for Java asks for, call by call. */
class DaxCallsTest extends DaxCase {
    private static Map<String, AttributeValue> product(int sku) {
        return Map.of("sku", Shop.n(sku), "name", Shop.s("product " + sku));
    }

    private static List<Map<String, AttributeValue>> fill(String customer, int count) {
        var all = IntStream.range(0, count).mapToObj(placed -> Shop.order(customer, placed)).toList();
        for (int from = 0; from < count; from += 25) {
            var puts = all.subList(from, Math.min(from + 25, count)).stream().map(DaxCallsTest::put).toList();
            var answer = DAX.batchWriteItem(batch -> batch.requestItems(Map.of(Shop.ORDERS, puts)));
            assertTrue(answer.unprocessedItems().isEmpty());
        }
        return all;
    }

    private static WriteRequest put(Map<String, AttributeValue> item) {
        return WriteRequest.builder().putRequest(put -> put.item(item)).build();
    }

    private static WriteRequest delete(Map<String, AttributeValue> key) {
        return WriteRequest.builder().deleteRequest(delete -> delete.key(key)).build();
    }

    @Test
    void items() {
        var key = Shop.key("items", 1);
        assertFound(Shop.ORDERS, key, null);
        var first = Shop.with(Shop.order("items", 1), "note", Shop.s("first"));
        assertEquals(Map.of(), replaced(first));
        assertFound(Shop.ORDERS, key, first);
        var second = Shop.with(key, "cents", Shop.n(5));
        assertEquals(first, replaced(second));
        assertFound(Shop.ORDERS, key, second);
        assertEquals(second, deleted(key));
        assertEquals(Map.of(), deleted(key));
        assertFound(Shop.ORDERS, key, null);
        put(Shop.ORDERS, key);
        assertFound(Shop.ORDERS, key, key);
        var strong =
                DAX.getItem(
                        get ->
                                get.tableName(Shop.ORDERS)
                                        .key(key)
                                        .consistentRead(true)
                                        .returnConsumedCapacity(ReturnConsumedCapacity.TOTAL));
        assertEquals(key, strong.item());
        assertEquals(Shop.ORDERS, strong.consumedCapacity().tableName());
        assertEquals(1.0, strong.consumedCapacity().capacityUnits());
        updates();
    }

    private static Map<String, AttributeValue> replaced(Map<String, AttributeValue> item) {
        return DAX.putItem(put -> put.tableName(Shop.ORDERS).item(item).returnValues(ReturnValue.ALL_OLD))
                .attributes();
    }

    private static Map<String, AttributeValue> deleted(Map<String, AttributeValue> key) {
        return DAX.deleteItem(delete -> delete.tableName(Shop.ORDERS).key(key).returnValues(ReturnValue.ALL_OLD))
                .attributes();
    }

    private static Map<String, Object> updated(ReturnValue returned, UpdateItemRequest.Builder update) {
        update.tableName(Shop.ORDERS).key(Shop.key("items", 2)).expressionAttributeNames(Map.of("#l", "log"));
        return Dax.plain(DAX.updateItem(update.returnValues(returned).build()).attributes());
    }

    private static UpdateItemRequest.Builder grow(String text) {
        return UpdateItemRequest.builder()
                .updateExpression("SET #l = list_append(if_not_exists(#l, :none), :l) ADD seen :one, tags :tag")
                .expressionAttributeValues(
                        Map.of(
                                ":none", AttributeValue.fromL(List.of()),
                                ":l", list(Shop.s(text)),
                                ":one", Shop.n(1),
                                ":tag", AttributeValue.fromSs(List.of(text))));
    }

    private static Map<String, AttributeValue> grown(Object seen, AttributeValue log, String... tags) {
        return Map.of("log", log, "seen", Shop.n(seen), "tags", AttributeValue.fromSs(List.of(tags)));
    }

    private static void updates() {
        var key = Shop.key("items", 2);
        var once = grown(1, list(Shop.s("x")), "x");
        assertEquals(Dax.plain(once), updated(ReturnValue.UPDATED_NEW, grow("x")));
        assertFound(Shop.ORDERS, key, both(key, once));
        assertEquals(Dax.plain(once), updated(ReturnValue.UPDATED_OLD, grow("y")));
        var shrink =
                UpdateItemRequest.builder()
                        .updateExpression("SET seen = seen - :half REMOVE #l[0] DELETE tags :tags")
                        .expressionAttributeValues(
                                Map.of(":half", Shop.n(0.5), ":tags", AttributeValue.fromSs(List.of("x", "never"))));
        var twice = grown(2, list(Shop.s("x"), Shop.s("y")), "x", "y");
        assertEquals(Dax.plain(both(key, twice)), updated(ReturnValue.ALL_OLD, shrink));
        assertFound(Shop.ORDERS, key, both(key, grown(1.5, list(Shop.s("y")), "y")));
        var deep = AttributeValue.fromM(Map.of("deep", list(Shop.n(1))));
        var replace =
                UpdateItemRequest.builder()
                        .updateExpression("SET #l[0] = :z")
                        .expressionAttributeValues(Map.of(":z", deep));
        assertEquals(Map.of(), updated(null, replace));
        var deepen =
                UpdateItemRequest.builder()
                        .updateExpression("SET #l[0].deep[1] = :two")
                        .expressionAttributeValues(Map.of(":two", Shop.n(2)));
        var deeper = AttributeValue.fromM(Map.of("deep", list(Shop.n(1), Shop.n(2))));
        var after = both(key, grown(1.5, list(deeper), "y"));
        assertEquals(Dax.plain(after), updated(ReturnValue.ALL_NEW, deepen));
        assertFound(Shop.ORDERS, key, after);
    }

    @Test
    void conditions() {
        var first = Shop.order("conditions", 1);
        Runnable insert =
                () ->
                        DAX.putItem(
                                put ->
                                        put.tableName(Shop.ORDERS)
                                                .item(first)
                                                .conditionExpression("attribute_not_exists(customer)"));
        insert.run();
        var refused = assertThrows(ConditionalCheckFailedException.class, insert::run);
        assertSays(refused, "ConditionalCheckFailedException", "The conditional request failed");
        assertEquals(400, refused.statusCode());

        // Every operator and function, and every way to say what comes first.
        var pay =
                UpdateItemRequest.builder()
                        .tableName(Shop.ORDERS)
                        .key(Shop.key("conditions", 1))
                        .updateExpression("SET #s = :paid")
                        .conditionExpression(
                                "NOT (#s <> :open OR cents > :high) AND (cents BETWEEN :low AND :high)"
                                        + " AND cents IN (:low, :ten) AND begins_with(#s, :o) AND contains(#s, :pe)"
                                        + " AND size(#s) <= :ten AND attribute_type(#s, :text) AND cents >= :low"
                                        + " AND cents < :high AND attribute_not_exists(nobody) AND attribute_exists(#s)")
                        .expressionAttributeNames(Map.of("#s", "state"))
                        .expressionAttributeValues(
                                Map.of(
                                        ":paid", Shop.s("paid"),
                                        ":open", Shop.s("open"),
                                        ":low", Shop.n(5),
                                        ":ten", Shop.n(10),
                                        ":high", Shop.n(20),
                                        ":o", Shop.s("o"),
                                        ":pe", Shop.s("pe"),
                                        ":text", Shop.s("S")))
                        .build();
        DAX.updateItem(pay);
        var paid = Shop.with(first, "state", Shop.s("paid"));
        assertFound(Shop.ORDERS, Shop.key("conditions", 1), paid);
        assertThrows(ConditionalCheckFailedException.class, () -> DAX.updateItem(pay));
        assertThrows(
                ConditionalCheckFailedException.class,
                () ->
                        DAX.deleteItem(
                                delete ->
                                        delete.tableName(Shop.ORDERS)
                                                .key(Shop.key("conditions", 1))
                                                .conditionExpression("cents = :one")
                                                .expressionAttributeValues(Map.of(":one", Shop.n(1)))));
        assertFound(Shop.ORDERS, Shop.key("conditions", 1), paid);
    }

    @Test
    void queries() {
        var all = fill("queries", 12);
        var values = Map.of(":c", Shop.s("queries"), ":from", Shop.n(2));
        var ours =
                ordersOf("queries")
                        .keyConditionExpression("customer = :c AND placed >= :from")
                        .expressionAttributeValues(values)
                        .build();
        var pages = pages(ours.toBuilder().limit(4).build());
        assertEquals(List.of(4, 4, 2), pages.stream().map(QueryResponse::count).toList());
        assertEquals(all.subList(2, 12), itemsOf(pages));
        var filtered =
                ours.toBuilder()
                        .filterExpression("#s = :open")
                        .expressionAttributeNames(Map.of("#s", "state"))
                        .expressionAttributeValues(Shop.with(values, ":open", Shop.s("open")));
        var backwards = DAX.query(filtered.projectionExpression("cents").scanIndexForward(false).limit(3).build());
        assertEquals(List.of(Map.of("cents", Shop.n(110)), Map.of("cents", Shop.n(90))), backwards.items());
        assertEquals(3, backwards.scannedCount());
        assertEquals(Shop.key("queries", 9), backwards.lastEvaluatedKey());
        var counted = DAX.query(ours.toBuilder().select(Select.COUNT).build());
        assertEquals(10, counted.count());
        assertTrue(counted.items().isEmpty());
        var nobody = DAX.query(ordersOf("nobody").build());
        assertEquals(List.of(), nobody.items());
        assertFalse(nobody.hasLastEvaluatedKey());
        ofAnIndex();
    }

    private static void ofAnIndex() {
        var lost =
                IntStream.range(0, 7)
                        .mapToObj(placed -> Shop.with(Shop.order("indexes", placed), "state", Shop.s("lost")))
                        .toList();
        lost.forEach(order -> put(Shop.ORDERS, order));
        var byState =
                QueryRequest.builder()
                        .tableName(Shop.ORDERS)
                        .indexName(Shop.BY_STATE)
                        .keyConditionExpression("#s = :lost")
                        .expressionAttributeNames(Map.of("#s", "state"))
                        .expressionAttributeValues(Map.of(":lost", Shop.s("lost")))
                        .returnConsumedCapacity(ReturnConsumedCapacity.INDEXES)
                        .limit(3)
                        .build();
        var first = DAX.query(byState);
        assertEquals(0.5, first.consumedCapacity().globalSecondaryIndexes().get(Shop.BY_STATE).capacityUnits());
        var last = Map.of("state", Shop.s("lost"), "cents", Shop.n(20));
        assertEquals(both(Shop.key("indexes", 2), last), first.lastEvaluatedKey());
        var pages = pages(byState);
        assertEquals(List.of(3, 3, 1), pages.stream().map(QueryResponse::count).toList());
        assertEquals(lost, itemsOf(pages));
        var scan = ScanRequest.builder().indexName(Shop.BY_STATE).limit(4);
        assertEquals(lost, scanned("indexes", scan).toList());
    }

    /** The orders of customers whose names begin so. */
    private static Stream<Map<String, AttributeValue>> scanned(String prefix, ScanRequest.Builder scan) {
        scan.tableName(Shop.ORDERS)
                .filterExpression("begins_with(customer, :ours)")
                .expressionAttributeValues(Map.of(":ours", Shop.s(prefix)));
        var pages = new ArrayList<ScanResponse>();
        var request = scan.build();
        do {
            pages.add(DAX.scan(request));
            request = request.toBuilder().exclusiveStartKey(pages.get(pages.size() - 1).lastEvaluatedKey()).build();
        } while (pages.get(pages.size() - 1).hasLastEvaluatedKey());
        var limit = request.limit();
        assertTrue(pages.stream().allMatch(page -> page.scannedCount() <= limit));
        return pages.stream().flatMap(page -> page.items().stream()).sorted(BY_TIME);
    }

    @Test
    void scans() {
        var expected = fill("scans", 30);
        assertEquals(expected, scanned("scans", ScanRequest.builder().limit(7)).toList());
        var segments =
                IntStream.range(0, 3)
                        .mapToObj(segment -> ScanRequest.builder().segment(segment).totalSegments(3).limit(5))
                        .flatMap(segment -> scanned("scans", segment));
        assertEquals(expected, segments.sorted(BY_TIME).toList());
    }

    @Test
    void batches() {
        var all = fill("batches", 3);
        var changed = Shop.with(all.get(2), "note", Shop.s("changed"));
        var writes =
                Map.of(
                        Shop.ORDERS, List.of(delete(Shop.key("batches", 0)), put(changed)),
                        PRODUCTS, List.of(put(product(1)), put(product(2)), delete(Map.of("sku", Shop.n(3)))));
        var written =
                DAX.batchWriteItem(
                        batch -> batch.requestItems(writes).returnConsumedCapacity(ReturnConsumedCapacity.TOTAL));
        assertTrue(written.unprocessedItems().isEmpty());
        assertEquals(2, written.consumedCapacity().size());
        var orders = IntStream.range(0, 3).mapToObj(placed -> Shop.key("batches", placed)).toList();
        var skus = IntStream.rangeClosed(1, 3).mapToObj(sku -> Map.of("sku", Shop.n(sku))).toList();
        var wanted =
                Map.of(
                        Shop.ORDERS, KeysAndAttributes.builder().keys(orders).build(),
                        PRODUCTS,
                                KeysAndAttributes.builder()
                                        .keys(skus)
                                        .projectionExpression("#n, sku")
                                        .expressionAttributeNames(Map.of("#n", "name"))
                                        .build());
        for (int twice = 0; twice < 2; twice++) {
            var answer = DAX.batchGetItem(batch -> batch.requestItems(wanted));
            assertTrue(answer.unprocessedKeys().values().stream().allMatch(left -> left.keys().isEmpty()));
            var found = answer.responses().get(Shop.ORDERS).stream().sorted(BY_TIME).toList();
            assertEquals(List.of(all.get(1), changed), found);
            var products = answer.responses().get(PRODUCTS).stream();
            var bySku = products.sorted(Comparator.comparing(item -> item.get("sku").n())).toList();
            assertEquals(List.of(product(1), product(2)), bySku);
        }
    }

    private static TransactGetItem get(String table, Map<String, AttributeValue> key, String projection) {
        return TransactGetItem.builder()
                .get(get -> get.tableName(table).key(key).projectionExpression(projection))
                .build();
    }

    @Test
    void transactions() {
        var first = Shop.order("transactions", 1);
        var second = Shop.order("transactions", 2);
        put(Shop.ORDERS, first);
        put(PRODUCTS, product(20));
        put(PRODUCTS, product(21));
        var pay =
                TransactWriteItem.builder()
                        .update(
                                update ->
                                        update.tableName(Shop.ORDERS)
                                                .key(Shop.key("transactions", 1))
                                                .updateExpression("SET #s = :paid")
                                                .conditionExpression("#s = :open")
                                                .expressionAttributeNames(Map.of("#s", "state"))
                                                .expressionAttributeValues(
                                                        Map.of(":paid", Shop.s("paid"), ":open", Shop.s("open")))
                                                .returnValuesOnConditionCheckFailure(
                                                        ReturnValuesOnConditionCheckFailure.ALL_OLD))
                        .build();
        var insert = TransactWriteItem.builder().put(put -> put.tableName(Shop.ORDERS).item(second)).build();
        var gone = Map.of("sku", Shop.n(20));
        var remove = TransactWriteItem.builder().delete(delete -> delete.tableName(PRODUCTS).key(gone)).build();
        var check =
                TransactWriteItem.builder()
                        .conditionCheck(
                                of ->
                                        of.tableName(PRODUCTS)
                                                .key(Map.of("sku", Shop.n(21)))
                                                .conditionExpression("attribute_exists(sku)"))
                        .build();
        var once = UUID.randomUUID().toString();
        // The second time the condition does not hold any more.
        for (int twice = 0; twice < 2; twice++) {
            var answer =
                    DAX.transactWriteItems(
                            write ->
                                    write.transactItems(pay, insert, remove, check)
                                            .clientRequestToken(once)
                                            .returnConsumedCapacity(ReturnConsumedCapacity.TOTAL));
            assertEquals(2, answer.consumedCapacity().size());
        }
        assertThrows(
                IdempotentParameterMismatchException.class,
                () -> DAX.transactWriteItems(write -> write.transactItems(insert).clientRequestToken(once)));
        var paid = Shop.with(first, "state", Shop.s("paid"));
        assertFound(Shop.ORDERS, Shop.key("transactions", 1), paid);
        assertFound(Shop.ORDERS, Shop.key("transactions", 2), second);
        assertFound(PRODUCTS, gone, null);

        var cancelled =
                assertThrows(
                        TransactionCanceledException.class,
                        () -> DAX.transactWriteItems(write -> write.transactItems(remove, pay)));
        var reasons = cancelled.cancellationReasons();
        assertEquals(
                List.of("None", "ConditionalCheckFailed"), reasons.stream().map(CancellationReason::code).toList());
        assertEquals("The conditional request failed", reasons.get(1).message());
        assertEquals(paid, reasons.get(1).item());

        var gets =
                List.of(
                        get(Shop.ORDERS, Shop.key("transactions", 2), null),
                        get(Shop.ORDERS, Shop.key("transactions", 3), null),
                        get(PRODUCTS, Map.of("sku", Shop.n(21)), null),
                        get(Shop.ORDERS, Shop.key("transactions", 1), "cents, nobody"));
        var answer =
                DAX.transactGetItems(
                        get -> get.transactItems(gets).returnConsumedCapacity(ReturnConsumedCapacity.INDEXES));
        assertEquals(
                List.of(second, Map.of(), product(21), Map.of("cents", Shop.n(10))),
                answer.responses().stream().map(ItemResponse::item).toList());
        var spent = answer.consumedCapacity().stream().map(ConsumedCapacity::capacityUnits).sorted().toList();
        assertEquals(List.of(2.0, 6.0), spent);
    }

    private static void assertSeen(DynamoDbClient reader, Map<String, AttributeValue> item) {
        var found = reader.getItem(get -> get.tableName(Shop.ORDERS).key(Shop.key("doors", 1)));
        assertEquals(item == null ? Map.of() : item, found.item());
        assertEquals(item == null ? List.of() : List.of(item), reader.query(ordersOf("doors").build()).items());
    }

    @Test
    void bothDoors() {
        var key = Shop.key("doors", 1);
        for (int round = 0; round < 10; round++) {
            for (var pair : List.of(List.of(Shop.CLIENT, DAX), List.of(DAX, Shop.CLIENT))) {
                var writer = pair.get(0);
                var note = Shop.s(round + " by " + writer.getClass().getSimpleName());
                var written = Shop.with(Shop.order("doors", 1), "note", note);
                writer.putItem(put -> put.tableName(Shop.ORDERS).item(written));
                assertSeen(pair.get(1), written);
                assertSeen(writer, written);
            }
            Shop.CLIENT.deleteItem(delete -> delete.tableName(Shop.ORDERS).key(key));
            assertSeen(DAX, null);
            assertSeen(Shop.CLIENT, null);
        }
    }

    @Test
    void errors() {
        var nobody =
                assertThrows(
                        ResourceNotFoundException.class,
                        () -> DAX.getItem(get -> get.tableName("nobody").key(Shop.key("errors", 1))));
        assertSays(nobody, "ResourceNotFoundException", "Requested resource not found");
        var wrong =
                assertThrows(
                        AwsServiceException.class,
                        () ->
                                DAX.updateItem(
                                        update ->
                                                update.tableName(Shop.ORDERS)
                                                        .key(Shop.key("errors", 1))
                                                        .updateExpression("SET cents = nothing + :one")
                                                        .expressionAttributeValues(Map.of(":one", Shop.n(1)))));
        assertInstanceOf(DynamoDbException.class, wrong);
        assertSays(wrong, "ValidationException", "refers to an attribute that does not exist in the item");
        // The connection is still good.
        assertFound(Shop.ORDERS, Shop.key("errors", 1), null);
    }
}
