import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.CancellationReason;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.DynamoDbException;
import software.amazon.awssdk.services.dynamodb.model.IdempotentParameterMismatchException;
import software.amazon.awssdk.services.dynamodb.model.IndexStatus;
import software.amazon.awssdk.services.dynamodb.model.ItemResponse;
import software.amazon.awssdk.services.dynamodb.model.KeysAndAttributes;
import software.amazon.awssdk.services.dynamodb.model.ListTablesResponse;
import software.amazon.awssdk.services.dynamodb.model.PutItemRequest;
import software.amazon.awssdk.services.dynamodb.model.QueryRequest;
import software.amazon.awssdk.services.dynamodb.model.QueryResponse;
import software.amazon.awssdk.services.dynamodb.model.ResourceInUseException;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;
import software.amazon.awssdk.services.dynamodb.model.ReturnConsumedCapacity;
import software.amazon.awssdk.services.dynamodb.model.ReturnValue;
import software.amazon.awssdk.services.dynamodb.model.ReturnValuesOnConditionCheckFailure;
import software.amazon.awssdk.services.dynamodb.model.ScanRequest;
import software.amazon.awssdk.services.dynamodb.model.TableStatus;
import software.amazon.awssdk.services.dynamodb.model.TransactGetItem;
import software.amazon.awssdk.services.dynamodb.model.TransactWriteItem;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;
import software.amazon.awssdk.services.dynamodb.model.UpdateItemRequest;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

/** An application of the AWS SDK for Java: its blocking client and its other one, their paginators and waiters. */
class SdkTest {
    private static final Comparator<Map<String, AttributeValue>> BY_TIME =
            Comparator.comparing(item -> Integer.parseInt(item.get("placed").n()));

    @BeforeAll
    static void open() {
        Shop.createTable(Shop.ORDERS);
    }

    @AfterAll
    static void close() {
        Shop.deleteTable(Shop.ORDERS);
    }

    @Test
    void tables() {
        var others = List.of("a-first", "b-second", "z-last");
        others.forEach(Shop::createTable);
        var pages = Shop.CLIENT.listTablesPaginator(list -> list.limit(1)).stream().toList();
        assertTrue(pages.stream().allMatch(page -> page.tableNames().size() <= 1));
        var listed = pages.stream().map(ListTablesResponse::tableNames).flatMap(List::stream).toList();
        assertEquals(List.of("a-first", "b-second", Shop.ORDERS, "z-last"), listed);
        others.forEach(Shop::deleteTable);
        assertEquals(List.of(Shop.ORDERS), Shop.CLIENT.listTables().tableNames());

        var table = Shop.CLIENT.describeTable(describe -> describe.tableName(Shop.ORDERS)).table();
        assertEquals(TableStatus.ACTIVE, table.tableStatus());
        assertEquals(Shop.keys("customer", "placed"), table.keySchema());
        assertEquals(IndexStatus.ACTIVE, table.globalSecondaryIndexes().get(0).indexStatus());
    }

    @Test
    void attributeTypes() {
        var bytes = new byte[256];
        IntStream.range(0, 256).forEach(at -> bytes[at] = (byte) at);
        var list = List.of(Shop.n(1), AttributeValue.fromL(List.of()), AttributeValue.fromNul(true));
        var deep = AttributeValue.fromL(list);
        var item = new HashMap<>(Shop.key("types", 1));
        item.put("binary", AttributeValue.fromB(SdkBytes.fromByteArray(bytes)));
        item.put("empty", Shop.s(""));
        item.put("flag", AttributeValue.fromBool(false));
        item.put("map", AttributeValue.fromM(Map.of("a.b", deep, "nothing", AttributeValue.fromM(Map.of()))));
        item.put("precise", Shop.n("1234567890.1234567890123456789012345678"));
        item.put("text", Shop.s("quoted \"ümlaut\" \\ \n 🚲"));
        var sets = new HashMap<>(item);
        var binaries = List.of(SdkBytes.fromUtf8String("b"), SdkBytes.fromUtf8String("ä"));
        sets.put("binaries", AttributeValue.fromBs(binaries));
        sets.put("letters", AttributeValue.fromSs(List.of("b", "ä")));
        sets.put("numbers", AttributeValue.fromNs(List.of("3", "-1", "2.5")));
        Shop.put(sets);
        var found = new HashMap<>(Shop.found("types", 1));
        assertEquals(Set.copyOf(binaries), Set.copyOf(found.remove("binaries").bs()));
        assertEquals(Set.of("b", "ä"), Set.copyOf(found.remove("letters").ss()));
        assertEquals(Set.of("3", "-1", "2.5"), Set.copyOf(found.remove("numbers").ns()));
        assertEquals(item, found);
    }

    @Test
    void conditions() {
        var first = Shop.order("conditions", 1);
        assertNull(Shop.found("conditions", 1));
        var insert =
                PutItemRequest.builder()
                        .tableName(Shop.ORDERS)
                        .item(first)
                        .conditionExpression("attribute_not_exists(customer)")
                        .build();
        Shop.CLIENT.putItem(insert);
        var refused = assertThrows(ConditionalCheckFailedException.class, () -> Shop.CLIENT.putItem(insert));
        assertEquals("The conditional request failed", refused.awsErrorDetails().errorMessage());
        assertEquals(400, refused.statusCode());
        assertEquals(52, refused.requestId().length());
        assertFalse(refused.hasItem());

        var pay =
                UpdateItemRequest.builder()
                        .tableName(Shop.ORDERS)
                        .key(Shop.key("conditions", 1))
                        .updateExpression("SET #s = :paid")
                        .conditionExpression("#s = :open AND cents BETWEEN :low AND :high")
                        .expressionAttributeNames(Map.of("#s", "state"))
                        .expressionAttributeValues(
                                Map.of(
                                        ":paid", Shop.s("paid"),
                                        ":open", Shop.s("open"),
                                        ":low", Shop.n(5),
                                        ":high", Shop.n(10)))
                        .returnValuesOnConditionCheckFailure(ReturnValuesOnConditionCheckFailure.ALL_OLD)
                        .build();
        Shop.CLIENT.updateItem(pay);
        var paid = Shop.with(first, "state", Shop.s("paid"));
        assertEquals(paid, Shop.found("conditions", 1));
        var failed = assertThrows(ConditionalCheckFailedException.class, () -> Shop.CLIENT.updateItem(pay));
        assertEquals(paid, failed.item());
    }

    private static UpdateItemRequest.Builder update(String expression) {
        return UpdateItemRequest.builder()
                .tableName(Shop.ORDERS)
                .key(Shop.key("updates", 1))
                .updateExpression(expression)
                .expressionAttributeNames(Map.of("#l", "log"));
    }

    private static UpdateItemRequest.Builder grow(String text) {
        return update("SET #l = list_append(if_not_exists(#l, :none), :l) ADD seen :one, tags :tag")
                .expressionAttributeValues(
                        Map.of(
                                ":none", AttributeValue.fromL(List.of()),
                                ":l", AttributeValue.fromL(List.of(Shop.s(text))),
                                ":one", Shop.n(1),
                                ":tag", AttributeValue.fromSs(List.of(text))));
    }

    private static Map<String, AttributeValue> grown(String text, Object seen) {
        return Map.of(
                "log", AttributeValue.fromL(List.of(Shop.s(text))),
                "seen", Shop.n(seen),
                "tags", AttributeValue.fromSs(List.of(text)));
    }

    @Test
    void updates() {
        var once = Shop.CLIENT.updateItem(grow("x").returnValues(ReturnValue.UPDATED_NEW).build());
        assertEquals(grown("x", 1), once.attributes());
        assertEquals(Shop.n(1), Shop.found("updates", 1).get("seen"));
        var old = Shop.CLIENT.updateItem(grow("y").returnValues(ReturnValue.UPDATED_OLD).build());
        assertEquals(grown("x", 1), old.attributes());
        var shrink =
                update("REMOVE #l[0] DELETE tags :tags SET seen = seen - :half")
                        .expressionAttributeValues(
                                Map.of(
                                        ":tags", AttributeValue.fromSs(List.of("x", "never")),
                                        ":half", Shop.n(0.5)))
                        .returnValues(ReturnValue.ALL_NEW)
                        .build();
        var left = new HashMap<>(Shop.key("updates", 1));
        left.putAll(grown("y", 1.5));
        assertEquals(left, Shop.CLIENT.updateItem(shrink).attributes());
        assertEquals(left, Shop.found("updates", 1));
        var gone =
                Shop.CLIENT.deleteItem(
                        delete ->
                                delete.tableName(Shop.ORDERS)
                                        .key(Shop.key("updates", 1))
                                        .returnValues(ReturnValue.ALL_OLD));
        assertEquals(left, gone.attributes());
        assertNull(Shop.found("updates", 1));
    }

    @Test
    void queries() {
        var all = Shop.fill("queries", 12);
        var values = Map.of(":c", Shop.s("queries"), ":from", Shop.n(2));
        var ours =
                QueryRequest.builder()
                        .tableName(Shop.ORDERS)
                        .keyConditionExpression("customer = :c AND placed >= :from")
                        .expressionAttributeValues(values)
                        .build();
        var pages = Shop.CLIENT.queryPaginator(ours.toBuilder().limit(4).build());
        assertEquals(List.of(4, 4, 2), pages.stream().map(QueryResponse::count).toList());
        assertEquals(all.subList(2, 12), pages.items().stream().toList());
        var published = new ArrayList<Map<String, AttributeValue>>();
        Shop.ASYNC.queryPaginator(ours.toBuilder().limit(3).build()).items().subscribe(published::add).join();
        assertEquals(all.subList(2, 12), published);

        var backwards =
                Shop.CLIENT.query(
                        ours.toBuilder()
                                .filterExpression("#s = :open")
                                .expressionAttributeNames(Map.of("#s", "state"))
                                .expressionAttributeValues(Shop.with(values, ":open", Shop.s("open")))
                                .projectionExpression("cents")
                                .scanIndexForward(false)
                                .limit(3)
                                .build());
        assertEquals(List.of(Map.of("cents", Shop.n(110)), Map.of("cents", Shop.n(90))), backwards.items());
        assertEquals(3, backwards.scannedCount());
        assertEquals(Shop.key("queries", 9), backwards.lastEvaluatedKey());

        var lost = Shop.with(Shop.order("queries", 50), "state", Shop.s("lost"));
        Shop.put(lost);
        var byState =
                Shop.CLIENT.query(
                        query ->
                                query.tableName(Shop.ORDERS)
                                        .indexName(Shop.BY_STATE)
                                        .keyConditionExpression("#s = :lost")
                                        .expressionAttributeNames(Map.of("#s", "state"))
                                        .expressionAttributeValues(Map.of(":lost", Shop.s("lost")))
                                        .returnConsumedCapacity(ReturnConsumedCapacity.INDEXES));
        assertEquals(List.of(lost), byState.items());
        var capacity = byState.consumedCapacity().globalSecondaryIndexes().get(Shop.BY_STATE);
        assertEquals(0.5, capacity.capacityUnits());
    }

    @Test
    void scans() {
        var expected = Shop.fill("scans", 30);
        var scan =
                ScanRequest.builder()
                        .tableName(Shop.ORDERS)
                        .filterExpression("begins_with(customer, :ours)")
                        .expressionAttributeValues(Map.of(":ours", Shop.s("scans")));
        var pages = Shop.CLIENT.scanPaginator(scan.limit(7).build());
        assertTrue(pages.stream().allMatch(page -> page.scannedCount() <= 7));
        assertEquals(expected, pages.items().stream().sorted(BY_TIME).toList());
        var segments =
                IntStream.range(0, 3)
                        .mapToObj(segment -> scan.segment(segment).totalSegments(3).limit(5).build())
                        .flatMap(part -> Shop.CLIENT.scanPaginator(part).items().stream());
        assertEquals(expected, segments.sorted(BY_TIME).toList());
    }

    private static List<Map<String, AttributeValue>> readBatch() {
        var keys = IntStream.of(0, 7, 25, 99).mapToObj(placed -> Shop.key("batches", placed)).toList();
        var wanted = Map.of(Shop.ORDERS, KeysAndAttributes.builder().keys(keys).build());
        var answer = Shop.CLIENT.batchGetItem(batch -> batch.requestItems(wanted));
        assertTrue(answer.unprocessedKeys().isEmpty());
        return answer.responses().get(Shop.ORDERS).stream().sorted(BY_TIME).toList();
    }

    @Test
    void batches() {
        var all = Shop.fill("batches", 26);
        for (int twice = 0; twice < 2; twice++) {
            assertEquals(List.of(all.get(0), all.get(7), all.get(25)), readBatch());
        }
        var changed = Shop.with(all.get(7), "cents", Shop.n(1));
        var writes =
                List.of(
                        WriteRequest.builder().deleteRequest(delete -> delete.key(Shop.key("batches", 0))).build(),
                        WriteRequest.builder().putRequest(put -> put.item(changed)).build());
        Shop.CLIENT.batchWriteItem(batch -> batch.requestItems(Map.of(Shop.ORDERS, writes)));
        assertEquals(List.of(changed, all.get(25)), readBatch());
    }

    private static void write(String token, TransactWriteItem... items) {
        Shop.CLIENT.transactWriteItems(write -> write.transactItems(items).clientRequestToken(token));
    }

    @Test
    void transactions() {
        var first = Shop.order("transactions", 1);
        var second = Shop.order("transactions", 2);
        Shop.put(first);
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
        write("java-once-only", pay, insert);
        write("java-once-only", pay, insert);
        assertThrows(IdempotentParameterMismatchException.class, () -> write("java-once-only", insert));
        var paid = Shop.with(first, "state", Shop.s("paid"));
        assertEquals(paid, Shop.found("transactions", 1));

        var cancelled = assertThrows(TransactionCanceledException.class, () -> write(null, insert, pay));
        var reasons = cancelled.cancellationReasons();
        assertEquals(
                List.of("None", "ConditionalCheckFailed"), reasons.stream().map(CancellationReason::code).toList());
        assertEquals(paid, reasons.get(1).item());

        var gets =
                IntStream.of(2, 3, 1)
                        .mapToObj(placed -> Shop.key("transactions", placed))
                        .map(key -> TransactGetItem.builder().get(get -> get.tableName(Shop.ORDERS).key(key)).build())
                        .toList();
        var found = Shop.CLIENT.transactGetItems(get -> get.transactItems(gets)).responses();
        assertEquals(List.of(second, Map.of(), paid), found.stream().map(ItemResponse::item).toList());
        assertFalse(found.get(1).hasItem());
    }

    @Test
    void errors() {
        var nobody =
                assertThrows(
                        ResourceNotFoundException.class,
                        () -> Shop.CLIENT.describeTable(describe -> describe.tableName("nobody")));
        assertEquals(
                "Requested resource not found: Table: nobody not found", nobody.awsErrorDetails().errorMessage());
        assertThrows(
                ResourceInUseException.class, () -> Shop.CLIENT.createTable(Shop.definition(Shop.ORDERS)));
        var wrong = Shop.with(Shop.key("errors", 1), "placed", Shop.s("not a number"));
        var refused =
                assertThrows(
                        DynamoDbException.class,
                        () -> Shop.CLIENT.getItem(get -> get.tableName(Shop.ORDERS).key(wrong)));
        assertEquals("ValidationException", refused.awsErrorDetails().errorCode());
        assertEquals(
                "The provided key element does not match the schema", refused.awsErrorDetails().errorMessage());
    }
}
