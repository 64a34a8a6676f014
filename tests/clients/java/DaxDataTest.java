import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ItemCollectionMetrics;
import software.amazon.awssdk.services.dynamodb.model.KeysAndAttributes;
import software.amazon.awssdk.services.dynamodb.model.QueryRequest;
import software.amazon.awssdk.services.dynamodb.model.ReturnItemCollectionMetrics;
import software.amazon.awssdk.services.dynamodb.model.ReturnValue;
import software.amazon.awssdk.services.dynamodb.model.TransactWriteItem;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

/** What an application of DAX's client for Java keeps: keys, types, names and sizes of all kinds, and parts of items. */
class DaxDataTest extends DaxCase {
    private static final AttributeValue COLLECTIONS = bytes('c', 'o', 'l', 'l', 'e', 'c', 't', 'i', 'o', 'n', 's');
    private static final ReturnItemCollectionMetrics SIZE = ReturnItemCollectionMetrics.SIZE;

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
                List.of(
                        "0", "-1", "42", "1.5", "-0.001", "12345678901234567890", "1e-130",
                        "9." + "9".repeat(37) + "e125");
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

    private static Map<String, AttributeValue> piece(int path, int octets, int first, String last) {
        var parts = Map.of("first", Shop.n(first), "others", list(Shop.s("a"), Shop.s(last)));
        return Map.of(
                "digest", COLLECTIONS,
                "path", bytes(path),
                "octets", Shop.n(octets),
                "parts", AttributeValue.fromM(parts));
    }

    private static void assertOfAll(ItemCollectionMetrics metrics) {
        assertEquals(Map.of("digest", COLLECTIONS), metrics.itemCollectionKey());
        assertEquals(List.of(0.0, 1.0), metrics.sizeEstimateRangeGB());
    }

    private static List<Map<String, Object>> byOctets(boolean isStrong) {
        var query =
                QueryRequest.builder()
                        .tableName(PIECES)
                        .indexName("by-octets")
                        .keyConditionExpression("digest = :d AND octets > :few")
                        .expressionAttributeValues(Map.of(":d", COLLECTIONS, ":few", Shop.n(5)))
                        .consistentRead(isStrong)
                        .limit(2)
                        .build();
        return Dax.plain(itemsOf(pages(query)));
    }

    /** Of what lies deeper, no more than the update names. */
    private static void assertUpdated(ReturnValue returned, int octets, int first, String last) {
        var updated =
                DAX.updateItem(
                        update ->
                                update.tableName(PIECES)
                                        .key(Map.of("digest", COLLECTIONS, "path", bytes(0)))
                                        .updateExpression("SET parts.others[1] = :c, octets = :few ADD parts.#f :few")
                                        .expressionAttributeNames(Map.of("#f", "first"))
                                        .expressionAttributeValues(Map.of(":c", Shop.s("c"), ":few", Shop.n(7)))
                                        .returnValues(returned)
                                        .returnItemCollectionMetrics(SIZE));
        var parts = Map.of("first", Shop.n(first), "others", list(Shop.s(last)));
        var expected = Map.of("octets", Shop.n(octets), "parts", AttributeValue.fromM(parts));
        assertEquals(Dax.plain(expected), Dax.plain(updated.attributes()));
        assertOfAll(updated.itemCollectionMetrics());
    }

    @Test
    void itemCollections() {
        var three = List.of(piece(0, 30, 1, "b"), piece(1, 10, 1, "b"), piece(255, 20, 1, "b"));
        var written =
                DAX.putItem(put -> put.tableName(PIECES).item(three.get(0)).returnItemCollectionMetrics(SIZE));
        assertOfAll(written.itemCollectionMetrics());
        var put = WriteRequest.builder().putRequest(request -> request.item(three.get(1))).build();
        var batch =
                DAX.batchWriteItem(
                        write -> write.requestItems(Map.of(PIECES, List.of(put))).returnItemCollectionMetrics(SIZE));
        assertOfAll(batch.itemCollectionMetrics().get(PIECES).get(0));
        var last = TransactWriteItem.builder().put(item -> item.tableName(PIECES).item(three.get(2))).build();
        var transaction =
                DAX.transactWriteItems(write -> write.transactItems(last).returnItemCollectionMetrics(SIZE));
        assertOfAll(transaction.itemCollectionMetrics().get(PIECES).get(0));

        for (var isStrong : List.of(false, false, true)) {
            var ordered = List.of(three.get(1), three.get(2), three.get(0));
            assertEquals(Dax.plain(ordered), byOctets(isStrong));
        }
        assertUpdated(ReturnValue.UPDATED_OLD, 30, 1, "b");
        assertUpdated(ReturnValue.UPDATED_NEW, 7, 15, "c");
        var changed = List.of(piece(0, 7, 15, "c"), three.get(1), three.get(2));
        assertEquals(Dax.plain(changed), byOctets(false));
        var key = Map.of("digest", COLLECTIONS, "path", bytes(0));
        var removed = DAX.deleteItem(delete -> delete.tableName(PIECES).key(key).returnItemCollectionMetrics(SIZE));
        assertOfAll(removed.itemCollectionMetrics());
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
}
