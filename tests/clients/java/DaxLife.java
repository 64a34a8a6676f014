import java.time.LocalTime;
import java.util.Map;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/** A long life of DAX's client, as test_dax.py asks for it. The argument is the customer of its orders. */
final class DaxLife {
    private static final DynamoDbClient CLIENT = Dax.open();

    private DaxLife() {}

    public static void main(String[] arguments) throws InterruptedException {
        var customer = arguments[0];
        var asleep = Shop.with(Shop.key(customer, 0), "state", Shop.s("asleep"));
        put(asleep);
        expect(get(customer, 0).equals(asleep));
        expect(get("everybody", 0).isEmpty());
        Thread.sleep(1000 * Long.parseLong(System.getenv("IDLE")));
        expect(get(customer, 0).equals(asleep));
        put(Shop.with(Shop.key(customer, 1), "state", Shop.s("awake")));

        var isOver = false;
        for (int placed = 2; !isOver; placed++) {
            var parity = placed % 2 == 0 ? "even" : "odd";
            var order = Shop.with(Shop.key(customer, placed), "state", Shop.s(parity));
            try {
                put(Shop.with(order, parity + " of " + customer, Shop.n(placed)));
                isOver = !get("everybody", 0).isEmpty();
            } catch (RuntimeException failed) {
                System.out.println(LocalTime.now() + " order " + placed + ": " + failed);
            }
            Thread.sleep(100);
        }
        // The client's threads would keep the program alive.
        System.exit(0);
    }

    private static void put(Map<String, AttributeValue> order) {
        CLIENT.putItem(put -> put.tableName(Shop.ORDERS).item(order));
    }

    private static Map<String, AttributeValue> get(String customer, int placed) {
        return CLIENT.getItem(get -> get.tableName(Shop.ORDERS).key(Shop.key(customer, placed))).item();
    }

    private static void expect(boolean holds) {
        if (!holds) {
            throw new AssertionError("the orders are not what they were");
        }
    }
}
