import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.CancellationReason;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.ConsumedCapacity;
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

/** An application of DAX's client for Java, which knows nothing of what it talks to. The tables are there. */
class DaxTest {
    private static final String PRODUCTS = "products";
    private static final String PIECES = "pieces";
    private static final DynamoDbClient DAX = Dax.open();

    private static final Comparator<Map<String, AttributeValue>> BY_TIME =
            Comparator.comparing(item -> Integer.parseInt(item.get("placed").n()));

    @AfterAll
    static void close() {
        DAX.close();
    }

    private static Map<String, AttributeValue> product(int sku) {
        return Map.of("sku", Shop.n(sku), "name", Shop.s("product " + sku));
    }

    private static Map<String, AttributeValue> both(
            Map<String, AttributeValue> one, Map<String, AttributeValue> other) {
        var all = new HashMap<>(one);
        all.putAll(other);
        return all;
    }

    private static void put(String table, Map<String, AttributeValue> item) {
        DAX.putItem(put -> put.tableName(table).item(item));
    }

    /** Reads twice: the second answer may come from a cache, and must be the same. Past DAX it is the same, too. */
    private static void assertFound(String table, Map<String, AttributeValue> key, Map<String, AttributeValue> item) {
        for (int twice = 0; twice < 2; twice++) {
            var answer = DAX.getItem(get -> get.tableName(table).key(key));
            assertEquals(item != null, answer.hasItem());
            assertEquals(item == null ? Map.of() : Dax.plain(item), Dax.plain(answer.item()));
        }
        var beside = Shop.CLIENT.getItem(get -> get.tableName(table).key(key));
        assertEquals(item == null ? Map.of() : Dax.plain(item), Dax.plain(beside.item()));
    }

    private static List<Map<String, AttributeValue>> fill(String customer, int count) {
        var all = IntStream.range(0, count).mapToObj(placed -> Shop.order(customer, placed)).toList();
        for (int from = 0; from < count; from += 25) {
            var puts = all.subList(from, Math.min(from + 25, count)).stream().map(DaxTest::put).toList();
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

    private static void assertSays(AwsServiceException refused, String code, String words) {
        assertEquals(code, refused.awsErrorDetails().errorCode());
        assertTrue(refused.getMessage().contains(words), refused.getMessage());
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

    private static AttributeValue list(AttributeValue... values) {
        return AttributeValue.fromL(List.of(values));
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

    /** Reads a query to its end, and again: the second time it may come from a cache. */
    private static List<QueryResponse> pages(QueryRequest query) {
        var pages = pagesOnce(query);
        var again = pagesOnce(query);
        assertEquals(pages.stream().map(QueryResponse::items).toList(), again.stream().map(QueryResponse::items).toList());
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

    private static List<Map<String, AttributeValue>> itemsOf(List<QueryResponse> pages) {
        return pages.stream().flatMap(page -> page.items().stream()).toList();
    }

    private static QueryRequest.Builder ordersOf(String customer) {
        return QueryRequest.builder()
                .tableName(Shop.ORDERS)
                .keyConditionExpression("customer = :c")
                .expressionAttributeValues(Map.of(":c", Shop.s(customer)));
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

    @Test
    void projections() {
        var inList = AttributeValue.fromM(Map.of("k", Shop.s("in a map in a list"), "other", Shop.n(1)));
        var inMap = AttributeValue.fromM(Map.of("b", list(Shop.s("b0"), Shop.s("b1"))));
        var item =
                both(
                        Shop.order("projections", 1),
                        Map.of(
                                "list", list(Shop.n(0), inList, list(Shop.n(20), Shop.n(21), Shop.n(22))),
                                "map", AttributeValue.fromM(Map.of("a", inMap, "c", Shop.n(2), "d.e", Shop.n(3)))));
        put(Shop.ORDERS, item);
        var names = Map.of("#l", "list", "#m", "map", "#d", "d.e");
        var paths = "#l[1].k, #m.a.b[1], cents, #m.#d, nobody, #l[2][1], customer";
        var leaf = AttributeValue.fromM(Map.of("b", list(Shop.s("b1"))));
        var expected =
                Map.of(
                        "list",
                                list(
                                        AttributeValue.fromM(Map.of("k", Shop.s("in a map in a list"))),
                                        list(Shop.n(21))),
                        "map", AttributeValue.fromM(Map.of("a", leaf, "d.e", Shop.n(3))),
                        "cents", Shop.n(10),
                        "customer", Shop.s("projections"));
        for (int twice = 0; twice < 2; twice++) {
            var found =
                    DAX.getItem(
                            get ->
                                    get.tableName(Shop.ORDERS)
                                            .key(Shop.key("projections", 1))
                                            .projectionExpression(paths)
                                            .expressionAttributeNames(names));
            assertEquals(expected, found.item());
            var page =
                    DAX.query(
                            ordersOf("projections")
                                    .projectionExpression(paths)
                                    .expressionAttributeNames(names)
                                    .build());
            assertEquals(List.of(expected), page.items());
        }
        var nowhere =
                DAX.getItem(
                        get ->
                                get.tableName(Shop.ORDERS)
                                        .key(Shop.key("projections", 1))
                                        .projectionExpression("cents[0], nobody"));
        assertEquals(Map.of(), nowhere.item());
    }

    @Test
    void keys() {
        var skus =
                List.of("0", "-1", "42", "1.5", "-0.001", "12345678901234567890", "1e-130", "9." + "9".repeat(37) + "e125");
        for (var sku : skus) {
            var key = Map.of("sku", Shop.n(sku));
            var item = Shop.with(key, "name", Shop.s(sku));
            put(PRODUCTS, item);
            assertFound(PRODUCTS, key, item);
        }
        // A number is the same key however it is written.
        var otherwise = DAX.getItem(get -> get.tableName(PRODUCTS).key(Map.of("sku", Shop.n("4.20e1"))));
        assertEquals(Shop.s("42"), otherwise.item().get("name"));

        var numbers =
                List.of("-9.9e50", "-1234", "-1", "-0.5", "0", "0.001", "1", "1.5", "100", "12345678901234567890");
        var placed = new ArrayList<Map<String, AttributeValue>>();
        for (var number : numbers) {
            var key = Map.of("customer", Shop.s("keys"), "placed", Shop.n(number));
            placed.add(Shop.with(key, "note", Shop.s(number)));
            put(Shop.ORDERS, placed.get(placed.size() - 1));
            assertFound(Shop.ORDERS, key, placed.get(placed.size() - 1));
        }
        var range = Map.of(":c", Shop.s("keys"), ":low", Shop.n(-1234), ":high", Shop.n(100));
        var between =
                ordersOf("keys")
                        .keyConditionExpression("customer = :c AND placed BETWEEN :low AND :high")
                        .expressionAttributeValues(range)
                        .limit(3)
                        .build();
        assertEquals(Dax.plain(placed.subList(1, 9)), Dax.plain(itemsOf(pages(between))));

        var digest = bytes(0, 255, 128, 'x');
        var all = new ArrayList<Map<String, AttributeValue>>();
        for (var path : List.of(bytes(0), bytes(0, 255), bytes('a'), bytes(255))) {
            var key = Map.of("digest", digest, "path", path);
            all.add(Shop.with(key, "data", bytes(1, 2, 3)));
            put(PIECES, all.get(all.size() - 1));
            assertFound(PIECES, key, all.get(all.size() - 1));
        }
        var pieces =
                QueryRequest.builder()
                        .tableName(PIECES)
                        .keyConditionExpression("digest = :d")
                        .expressionAttributeValues(Map.of(":d", digest))
                        .limit(1)
                        .build();
        assertEquals(all, itemsOf(pages(pieces)));
    }

    private static AttributeValue bytes(int... values) {
        var bytes = new byte[values.length];
        IntStream.range(0, values.length).forEach(at -> bytes[at] = (byte) values[at]);
        return AttributeValue.fromB(SdkBytes.fromByteArray(bytes));
    }

    @Test
    void attributeTypes() {
        var deep = Shop.s("the bottom");
        for (int level = 0; level < 15; level++) {
            deep = AttributeValue.fromM(Map.of("in", list(deep)));
        }
        var item = new HashMap<>(Shop.key("types", 1));
        item.put("text", Shop.s("quoted \"ümlaut\" \\ \n 🚲"));
        item.put("empty", Shop.s(""));
        item.put("binary", bytes(IntStream.range(0, 256).toArray()));
        item.put("no-binary", bytes());
        item.put("true", AttributeValue.fromBool(true));
        item.put("false", AttributeValue.fromBool(false));
        item.put("null", AttributeValue.fromNul(true));
        item.put("list", list());
        item.put("map", AttributeValue.fromM(Map.of()));
        item.put("letters", AttributeValue.fromSs(List.of("b", "ä", "a")));
        item.put("numbers", AttributeValue.fromNs(List.of("3", "-1", "2.5", "1e20")));
        item.put("binaries", AttributeValue.fromBs(List.of(bytes(0).b(), bytes(1, 255).b())));
        item.put("mixed", list(Shop.n(1), Shop.s("1"), bytes(1), AttributeValue.fromNul(true), list(Shop.n(2))));
        item.put("deep", deep);
        var numbers =
                List.of(
                        "0", "-0.1", "1e125", "-1E-130", "18446744073709551615", "-18446744073709551616",
                        "9223372036854775807", "99999999999999999999999999999999999999",
                        "1234567890.1234567890123456789012345678", "1e30", "3.14159");
        numbers.forEach(number -> item.put("number " + number, Shop.n(number)));
        put(Shop.ORDERS, item);
        assertFound(Shop.ORDERS, Shop.key("types", 1), item);
    }

    @Test
    void attributeNames() {
        // Some languages hold the wide letter for the last one, and some the emoji.
        var item = new HashMap<>(Shop.key("names", 1));
        var names = List.of("ａ", "🚲", "ü.x[0]", "日本語", " ", "\0", "é", "a".repeat(255));
        names.forEach(name -> item.put(name, Shop.s("value of " + name)));
        put(Shop.ORDERS, item);
        assertFound(Shop.ORDERS, Shop.key("names", 1), item);
        var updated =
                DAX.updateItem(
                        update ->
                                update.tableName(Shop.ORDERS)
                                        .key(Shop.key("names", 1))
                                        .updateExpression("SET #bicycle = #wide")
                                        .expressionAttributeNames(Map.of("#bicycle", "🚲", "#wide", "ａ"))
                                        .returnValues(ReturnValue.UPDATED_NEW));
        assertEquals(Map.of("🚲", Shop.s("value of ａ")), updated.attributes());
        assertFound(Shop.ORDERS, Shop.key("names", 1), both(item, updated.attributes()));

        // As many lists of names as items, which the client has to ask for.
        for (int at = 0; at < 40; at++) {
            put(Shop.ORDERS, Shop.with(Shop.key("many names", at), "name" + at, Shop.n(at)));
        }
        var all = itemsOf(pages(ordersOf("many names").limit(25).build()));
        assertEquals(40, all.size());
        assertEquals(Shop.with(Shop.key("many names", 39), "name39", Shop.n(39)), all.get(39));
    }

    private static Map<String, AttributeValue> large(int placed, int size) {
        // Names and values count: these are of 8, 5, 6, 2, and 4 bytes.
        var rest = size - "customer".length() - "large".length() - "placed".length() - "text".length() - 2;
        return Shop.with(Shop.key("large", placed), "text", Shop.s("x".repeat(rest)));
    }

    @Test
    void largeItems() {
        var limit = 400 << 10;
        var all = new ArrayList<>(List.of(large(1, limit)));
        put(Shop.ORDERS, all.get(0));
        assertFound(Shop.ORDERS, Shop.key("large", 1), all.get(0));
        var refused = assertThrows(AwsServiceException.class, () -> put(Shop.ORDERS, large(1, limit + 1)));
        assertSays(refused, "ValidationException", "Item size has exceeded the maximum allowed size");
        var key = Map.of("digest", bytes('l'), "path", bytes('1'));
        var data = AttributeValue.fromB(SdkBytes.fromByteArray(new byte[390 << 10]));
        put(PIECES, Shop.with(key, "data", data));
        assertFound(PIECES, key, Shop.with(key, "data", data));

        // A page ends at 1 MB.
        for (int placed = 2; placed <= 6; placed++) {
            all.add(large(placed, 300 << 10));
            put(Shop.ORDERS, all.get(placed - 1));
        }
        var pages = pages(ordersOf("large").build());
        assertEquals(all, itemsOf(pages));
        assertEquals(2, pages.size());
        var keys = IntStream.rangeClosed(1, 4).mapToObj(placed -> Shop.key("large", placed)).toList();
        var wanted = Map.of(Shop.ORDERS, KeysAndAttributes.builder().keys(keys).build());
        var batch = DAX.batchGetItem(get -> get.requestItems(wanted)).responses().get(Shop.ORDERS);
        assertEquals(all.subList(0, 4), batch.stream().sorted(BY_TIME).toList());
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
        assertInstanceOf(software.amazon.awssdk.services.dynamodb.model.DynamoDbException.class, wrong);
        assertSays(wrong, "ValidationException", "refers to an attribute that does not exist in the item");
        // The connection is still good.
        assertFound(Shop.ORDERS, Shop.key("errors", 1), null);
    }
}
