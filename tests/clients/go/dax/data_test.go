package dax

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestProjections(t *testing.T) {
	connect(t)
	one := with(order("projections", 1), item{
		"list": l(n(0), m(item{"k": s("in a map in a list"), "other": n(1)}), l(n(20), n(21), n(22))),
		"map":  m(item{"a": m(item{"b": l(s("b0"), s("b1"))}), "c": yes(true), "d.e": nothing()}),
	})
	put(t, orders, one)
	names := map[string]string{"#l": "list", "#m": "map", "#d": "d.e"}
	const paths = "#l[1].k, #m.a.b[1], cents, #m.#d, nobody, #l[2][1], customer"
	expected := item{
		"list":     l(m(item{"k": s("in a map in a list")}), l(n(21))),
		"map":      m(item{"a": m(item{"b": l(s("b1"))}), "d.e": nothing()}),
		"cents":    n(10),
		"customer": s("projections"),
	}
	for range 2 {
		answer, err := client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName:                &orders,
			Key:                      orderKey("projections", 1),
			ProjectionExpression:     aws.String(paths),
			ExpressionAttributeNames: names,
		})
		ok(t, err)
		same(t, answer.Item, expected)
		page, err := client.Query(ctx, &dynamodb.QueryInput{
			TableName:                 &orders,
			KeyConditionExpression:    aws.String("customer = :c"),
			ExpressionAttributeValues: item{":c": s("projections")},
			ProjectionExpression:      aws.String(paths),
			ExpressionAttributeNames:  names,
		})
		ok(t, err)
		sameItems(t, page.Items, []item{expected})
	}
	nowhere, err := client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &orders, Key: orderKey("projections", 1), ProjectionExpression: aws.String("cents[0], nobody"),
	})
	ok(t, err)
	equal(t, len(nowhere.Item), 0)
}

func TestKeys(t *testing.T) {
	connect(t)
	skus := []string{"0", "-1", "42", "1.5", "-0.001", "12345678901234567890", "1e-130", "9.9999999999999999999999999999999999999e125"}
	for _, sku := range skus {
		one := item{"sku": n(sku), "name": s(sku)}
		put(t, products, one)
		same(t, found(t, products, item{"sku": n(sku)}), one)
	}
	// A number is the same key however it is written.
	same(t, found(t, products, item{"sku": n("4.20e1")}), item{"sku": n(42), "name": s("42")})

	var placed []item
	for _, number := range []string{
		"-9.9e50", "-1234", "-1", "-0.5", "0", "0.001", "1", "1.5", "100", "12345678901234567890",
	} {
		key := item{"customer": s("keys"), "placed": n(number)}
		one := with(key, item{"note": s(number)})
		put(t, orders, one)
		same(t, found(t, orders, key), one)
		placed = append(placed, one)
	}
	_, got := pages(t, &dynamodb.QueryInput{
		TableName:                 &orders,
		KeyConditionExpression:    aws.String("customer = :c AND placed BETWEEN :low AND :high"),
		ExpressionAttributeValues: item{":c": s("keys"), ":low": n(-1234), ":high": n(100)},
	}, 3)
	sameItems(t, got, placed[1:9])

	digest := b(0, 255, 128, 'x')
	var all []item
	for _, path := range []value{b(0), b(0, 255), b('a'), b(255)} {
		key := item{"digest": digest, "path": path}
		one := with(key, item{"data": b(1, 2, 3)})
		put(t, pieces, one)
		same(t, found(t, pieces, key), one)
		all = append(all, one)
	}
	_, got = pages(t, &dynamodb.QueryInput{
		TableName:                 &pieces,
		KeyConditionExpression:    aws.String("digest = :d"),
		ExpressionAttributeValues: item{":d": digest},
	}, 1)
	sameItems(t, got, all)
}

func TestItemCollections(t *testing.T) {
	connect(t)
	digest := b([]byte("collections")...)
	piece := func(path byte, octets int) item {
		parts := m(item{"first": n(1), "others": l(s("a"), s("b"))})
		return item{"digest": digest, "path": b(path), "octets": n(octets), "parts": parts}
	}
	ofAll := func(metrics ...types.ItemCollectionMetrics) {
		t.Helper()
		equal(t, len(metrics), 1)
		same(t, metrics[0].ItemCollectionKey, item{"digest": digest})
		equal(t, metrics[0].SizeEstimateRangeGB, []float64{0, 1})
	}
	const size = types.ReturnItemCollectionMetricsSize
	three := []item{piece(0, 30), piece(1, 10), piece(255, 20)}
	written, err := client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &pieces, Item: three[0], ReturnItemCollectionMetrics: size,
	})
	ok(t, err)
	ofAll(*written.ItemCollectionMetrics)
	batch, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
		RequestItems:                map[string][]types.WriteRequest{pieces: {{PutRequest: &types.PutRequest{Item: three[1]}}}},
		ReturnItemCollectionMetrics: size,
	})
	ok(t, err)
	ofAll(batch.ItemCollectionMetrics[pieces]...)
	transaction, err := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems:               []types.TransactWriteItem{{Put: &types.Put{TableName: &pieces, Item: three[2]}}},
		ReturnItemCollectionMetrics: size,
	})
	ok(t, err)
	ofAll(transaction.ItemCollectionMetrics[pieces]...)

	byOctets := func(isStrong bool) []item {
		_, got := pages(t, &dynamodb.QueryInput{
			TableName:                 &pieces,
			IndexName:                 aws.String("by-octets"),
			KeyConditionExpression:    aws.String("digest = :d AND octets > :few"),
			ExpressionAttributeValues: item{":d": digest, ":few": n(5)},
			ConsistentRead:            &isStrong,
		}, 2)
		return got
	}
	for _, isStrong := range []bool{false, false, true} {
		sameItems(t, byOctets(isStrong), []item{three[1], three[2], three[0]})
	}
	key := item{"digest": digest, "path": b(0)}
	// Of what lies deeper, no more than the update names.
	update := func(returned types.ReturnValue, expected item) {
		t.Helper()
		answer, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:                   &pieces,
			Key:                         key,
			UpdateExpression:            aws.String("SET parts.others[1] = :c, octets = :few ADD parts.#f :few"),
			ExpressionAttributeNames:    map[string]string{"#f": "first"},
			ExpressionAttributeValues:   item{":c": s("c"), ":few": n(7)},
			ReturnValues:                returned,
			ReturnItemCollectionMetrics: size,
		})
		ok(t, err)
		same(t, answer.Attributes, expected)
		ofAll(*answer.ItemCollectionMetrics)
	}
	update(types.ReturnValueUpdatedOld, item{"octets": n(30), "parts": m(item{"first": n(1), "others": l(s("b"))})})
	update(types.ReturnValueUpdatedNew, item{"octets": n(7), "parts": m(item{"first": n(15), "others": l(s("c"))})})
	changed := with(three[0], item{"octets": n(7), "parts": m(item{"first": n(15), "others": l(s("a"), s("c"))})})
	sameItems(t, byOctets(false), []item{changed, three[1], three[2]})
	removed, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &pieces, Key: key, ReturnItemCollectionMetrics: size,
	})
	ok(t, err)
	ofAll(*removed.ItemCollectionMetrics)
}

func TestAttributeTypes(t *testing.T) {
	connect(t)
	deep := s("the bottom")
	for range 15 {
		deep = m(item{"in": l(deep)})
	}
	every := make([]byte, 256)
	for at := range every {
		every[at] = byte(at)
	}
	one := with(orderKey("types", 1), item{
		"text": s("quoted \"ümlaut\" \\ \n 🚲"), "empty": s(""), "binary": b(every...), "no-binary": b(),
		"true": yes(true), "false": yes(false), "null": nothing(), "list": l(), "map": m(item{}),
		"letters": ss("b", "ä", "a"), "numbers": ns("3", "-1", "2.5", "1e20"), "binaries": bs([]byte{0}, []byte{1, 255}),
		"mixed": l(n(1), s("1"), b(1), yes(true), nothing(), l(n(2)), m(item{"a.b": n(3)}), ss("x")),
		"deep":  deep,
	})
	for at, number := range []string{
		"0", "-0.1", "1e125", "-1E-130", "18446744073709551615", "-18446744073709551616", "9223372036854775807",
		"99999999999999999999999999999999999999", "1234567890.1234567890123456789012345678", "1e30", "3.14159",
	} {
		one[fmt.Sprint("n", at)] = n(number)
	}
	put(t, orders, one)
	same(t, found(t, orders, orderKey("types", 1)), one)
}

func TestAttributeNames(t *testing.T) {
	connect(t)
	// Some languages hold the wide letter for the last one, and some the emoji.
	strange := item{"ａ": n(1), "🚲": n(8), "ü.x[0]": n(3), "日本語": n(4), " ": n(5), "\u0000": n(6), "é": n(7)}
	one := with(orderKey("names", 1), strange)
	put(t, orders, one)
	same(t, found(t, orders, orderKey("names", 1)), one)
	answer, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &orders,
		Key:                       orderKey("names", 1),
		UpdateExpression:          aws.String("SET #bicycle = #wide + :one"),
		ExpressionAttributeNames:  map[string]string{"#bicycle": "🚲", "#wide": "ａ"},
		ExpressionAttributeValues: item{":one": n(1)},
		ReturnValues:              types.ReturnValueUpdatedNew,
	})
	ok(t, err)
	same(t, answer.Attributes, item{"🚲": n(2)})
	same(t, found(t, orders, orderKey("names", 1)), with(one, answer.Attributes))

	// As many lists of names as items, which the client has to ask for.
	for at := range 40 {
		put(t, orders, with(orderKey("many names", at), item{fmt.Sprint("name", at): n(at)}))
	}
	_, got := pages(t, &dynamodb.QueryInput{
		TableName:                 &orders,
		KeyConditionExpression:    aws.String("customer = :c"),
		ExpressionAttributeValues: item{":c": s("many names")},
	}, 25)
	equal(t, len(got), 40)
	same(t, got[39], with(orderKey("many names", 39), item{"name39": n(39)}))
}

func TestLargeItems(t *testing.T) {
	connect(t)
	const limit = 400 << 10
	large := func(placed, size int) item {
		one := orderKey("large", placed)
		// Names and values count: these are of 8, 5, 6, 1 or 2, and 4 bytes.
		rest := size - len("customer"+"large"+"placed"+"text") - 2
		return with(one, item{"text": s(strings.Repeat("x", rest))})
	}
	largest := large(1, limit)
	put(t, orders, largest)
	same(t, found(t, orders, orderKey("large", 1)), largest)
	_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &orders, Item: large(1, limit+1)})
	says(t, err, "ValidationException", "Item size has exceeded the maximum allowed size")

	key := item{"digest": b('l'), "path": b('1')}
	binary := with(key, item{"data": b(bytes.Repeat([]byte{0xff, 0}, 195<<10)...)})
	put(t, pieces, binary)
	same(t, found(t, pieces, key), binary)

	// A page ends at 1 MB.
	all := []item{largest}
	for placed := 2; placed <= 6; placed++ {
		one := large(placed, 300<<10)
		put(t, orders, one)
		all = append(all, one)
	}
	counts, got := pages(t, &dynamodb.QueryInput{
		TableName:                 &orders,
		KeyConditionExpression:    aws.String("customer = :c"),
		ExpressionAttributeValues: item{":c": s("large")},
	}, 100)
	sameItems(t, got, all)
	if len(counts) != 2 || slices.Max(counts) < 3 {
		t.Fatalf("pages of %v", counts)
	}
	answer, err := client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{orders: {Keys: []item{
			orderKey("large", 1), orderKey("large", 2), orderKey("large", 3), orderKey("large", 4),
		}}},
	})
	ok(t, err)
	read := answer.Responses[orders]
	slices.SortFunc(read, byTime)
	sameItems(t, read, all[:4])
}
