package dax

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestItems(t *testing.T) {
	connect(t)
	t.Run("puts and deletes", putsAndDeletes)
	t.Run("updates", updates)
}

func putsAndDeletes(t *testing.T) {
	key := orderKey("items", 1)
	if got := found(t, orders, key); got != nil {
		t.Fatalf("got %v", got)
	}
	first := with(order("items", 1), item{"note": s("first")})
	replace := func(one item) item {
		answer, err := client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &orders, Item: one, ReturnValues: types.ReturnValueAllOld,
		})
		ok(t, err)
		return answer.Attributes
	}
	equal(t, len(replace(first)), 0)
	same(t, found(t, orders, key), first)
	second := with(key, item{"cents": n(5)})
	same(t, replace(second), first)
	same(t, found(t, orders, key), second)

	remove := func() item {
		answer, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &orders, Key: key, ReturnValues: types.ReturnValueAllOld,
		})
		ok(t, err)
		return answer.Attributes
	}
	same(t, remove(), second)
	equal(t, len(remove()), 0)
	if got := found(t, orders, key); got != nil {
		t.Fatalf("got %v", got)
	}

	put(t, orders, key)
	same(t, found(t, orders, key), key)
	strong, err := client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &orders, Key: key, ConsistentRead: aws.Bool(true),
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	ok(t, err)
	same(t, strong.Item, key)
	equal(t, *strong.ConsumedCapacity.TableName, orders)
	equal(t, *strong.ConsumedCapacity.CapacityUnits, 1.0)
}

func updates(t *testing.T) {
	key := orderKey("updates", 1)
	update := func(returned types.ReturnValue, expression string, values item) item {
		answer, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:                 &orders,
			Key:                       key,
			UpdateExpression:          &expression,
			ExpressionAttributeNames:  map[string]string{"#l": "log"},
			ExpressionAttributeValues: values,
			ReturnValues:              returned,
		})
		ok(t, err)
		return answer.Attributes
	}
	const grow = "SET #l = list_append(if_not_exists(#l, :none), :l) ADD seen :one, tags :tag"
	grown := func(name string) item {
		return item{":none": l(), ":l": l(s(name)), ":one": n(1), ":tag": ss(name)}
	}
	seen := func(name string, times int) item {
		return item{"log": l(s(name)), "seen": n(times), "tags": ss(name)}
	}
	same(t, update(types.ReturnValueUpdatedNew, grow, grown("x")), seen("x", 1))
	same(t, found(t, orders, key), with(key, seen("x", 1)))
	same(t, update(types.ReturnValueUpdatedOld, grow, grown("y")), seen("x", 1))
	both := with(key, item{"log": l(s("x"), s("y")), "seen": n(2), "tags": ss("x", "y")})
	same(t, update(types.ReturnValueAllOld, "SET seen = seen - :half REMOVE #l[0] DELETE tags :tags",
		item{":half": n(0.5), ":tags": ss("x", "never")}), both)
	after := with(key, item{"log": l(s("y")), "seen": n(1.5), "tags": ss("y")})
	same(t, found(t, orders, key), after)
	equal(t, len(update("", "SET #l[0] = :z", item{":z": m(item{"deep": l(n(1))})})), 0)
	after["log"] = l(m(item{"deep": l(n(1), n(2))}))
	same(t, update(types.ReturnValueAllNew, "SET #l[0].deep[1] = :two", item{":two": n(2)}), after)
	same(t, found(t, orders, key), after)
}

func TestConditions(t *testing.T) {
	connect(t)
	first := order("conditions", 1)
	insert := &dynamodb.PutItemInput{
		TableName: &orders, Item: first, ConditionExpression: aws.String("attribute_not_exists(customer)"),
	}
	_, err := client.PutItem(ctx, insert)
	ok(t, err)
	_, err = client.PutItem(ctx, insert)
	failure[*types.ConditionalCheckFailedException](t, err)
	says(t, err, "ConditionalCheckFailedException", "The conditional request failed")

	// Every operator and function, and every way to say what comes first.
	const condition = "NOT (#s <> :open OR cents > :high) AND (cents BETWEEN :low AND :high) AND cents IN (:low, :ten)" +
		" AND begins_with(#s, :o) AND contains(#s, :pe) AND size(#s) <= :ten AND attribute_type(#s, :text)" +
		" AND attribute_not_exists(nobody) AND attribute_exists(#s) AND cents >= :low AND cents < :high"
	pay := &dynamodb.UpdateItemInput{
		TableName:                &orders,
		Key:                      orderKey("conditions", 1),
		UpdateExpression:         aws.String("SET #s = :paid"),
		ConditionExpression:      aws.String(condition),
		ExpressionAttributeNames: map[string]string{"#s": "state"},
		ExpressionAttributeValues: item{
			":open": s("open"), ":paid": s("paid"), ":low": n(5), ":ten": n(10), ":high": n(20), ":o": s("o"),
			":pe": s("pe"), ":text": s("S"),
		},
	}
	_, err = client.UpdateItem(ctx, pay)
	ok(t, err)
	paid := with(first, item{"state": s("paid")})
	same(t, found(t, orders, orderKey("conditions", 1)), paid)
	_, err = client.UpdateItem(ctx, pay)
	failure[*types.ConditionalCheckFailedException](t, err)
	_, err = client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 &orders,
		Key:                       orderKey("conditions", 1),
		ConditionExpression:       aws.String("cents = :one"),
		ExpressionAttributeValues: item{":one": n(1)},
	})
	failure[*types.ConditionalCheckFailedException](t, err)
	same(t, found(t, orders, orderKey("conditions", 1)), paid)
}

func TestQueries(t *testing.T) {
	connect(t)
	t.Run("of a table", queriesOfATable)
	t.Run("of an index", queriesOfAnIndex)
}

func queriesOfATable(t *testing.T) {
	all := fill(t, "queries", 12)
	ours := func() *dynamodb.QueryInput {
		return &dynamodb.QueryInput{
			TableName:                 &orders,
			KeyConditionExpression:    aws.String("customer = :c AND placed >= :from"),
			ExpressionAttributeValues: item{":c": s("queries"), ":from": n(2)},
		}
	}
	counts, got := pages(t, ours(), 4)
	equal(t, counts, []int32{4, 4, 2})
	sameItems(t, got, all[2:])

	backwards := ours()
	backwards.FilterExpression, backwards.ProjectionExpression = aws.String("#s = :open"), aws.String("cents")
	backwards.ExpressionAttributeNames = map[string]string{"#s": "state"}
	backwards.ExpressionAttributeValues[":open"] = s("open")
	backwards.ScanIndexForward, backwards.Limit = aws.Bool(false), aws.Int32(3)
	answer, err := client.Query(ctx, backwards)
	ok(t, err)
	sameItems(t, answer.Items, []item{{"cents": n(110)}, {"cents": n(90)}})
	equal(t, answer.ScannedCount, int32(3))
	same(t, answer.LastEvaluatedKey, orderKey("queries", 9))

	counted := ours()
	counted.Select = types.SelectCount
	answer, err = client.Query(ctx, counted)
	ok(t, err)
	equal(t, answer.Count, int32(10))
	equal(t, len(answer.Items), 0)

	nobody := ours()
	nobody.ExpressionAttributeValues[":c"] = s("nobody")
	answer, err = client.Query(ctx, nobody)
	ok(t, err)
	equal(t, []int{len(answer.Items), int(answer.Count), len(answer.LastEvaluatedKey)}, []int{0, 0, 0})
}

func queriesOfAnIndex(t *testing.T) {
	var lost []item
	for placed := range 7 {
		one := with(order("indexes", placed), item{"state": s("lost")})
		put(t, orders, one)
		lost = append(lost, one)
	}
	byState := func() *dynamodb.QueryInput {
		return &dynamodb.QueryInput{
			TableName:                 &orders,
			IndexName:                 aws.String(byState),
			KeyConditionExpression:    aws.String("#s = :lost"),
			ExpressionAttributeNames:  map[string]string{"#s": "state"},
			ExpressionAttributeValues: item{":lost": s("lost")},
			ReturnConsumedCapacity:    types.ReturnConsumedCapacityIndexes,
			Limit:                     aws.Int32(3),
		}
	}
	answer, err := client.Query(ctx, byState())
	ok(t, err)
	equal(t, *answer.ConsumedCapacity.GlobalSecondaryIndexes["by-state"].CapacityUnits, 0.5)
	same(t, answer.LastEvaluatedKey, item{
		"state": s("lost"), "cents": n(20), "customer": s("indexes"), "placed": n(2),
	})
	counts, got := pages(t, byState(), 3)
	equal(t, counts, []int32{3, 3, 1})
	sameItems(t, got, lost)

	scan := &dynamodb.ScanInput{TableName: &orders, IndexName: byState().IndexName, Limit: aws.Int32(4)}
	scan.FilterExpression = aws.String("customer = :ours")
	scan.ExpressionAttributeValues = item{":ours": s("indexes")}
	sameItems(t, scanned(t, scan), lost)
}

// pages reads a query to its end, and again: the second time it may come from a cache.
func pages(t *testing.T, query *dynamodb.QueryInput, limit int32) (counts []int32, all []item) {
	t.Helper()
	query.Limit = &limit
	read := func() (counts []int32, all []item) {
		for query.ExclusiveStartKey = nil; ; {
			page, err := client.Query(ctx, query)
			ok(t, err)
			counts, all = append(counts, page.Count), append(all, page.Items...)
			if query.ExclusiveStartKey = page.LastEvaluatedKey; query.ExclusiveStartKey == nil {
				return counts, all
			}
		}
	}
	counts, all = read()
	countsAgain, again := read()
	equal(t, countsAgain, counts)
	sameItems(t, again, all)
	return counts, all
}

func TestScans(t *testing.T) {
	connect(t)
	expected := fill(t, "scans", 30)
	scan := func(segment, segments int32) []item {
		return scanned(t, &dynamodb.ScanInput{
			TableName:                 &orders,
			FilterExpression:          aws.String("begins_with(customer, :ours)"),
			ExpressionAttributeValues: item{":ours": s("scans")},
			Segment:                   &segment,
			TotalSegments:             &segments,
			Limit:                     aws.Int32(7),
		})
	}
	sameItems(t, scan(0, 1), expected)
	all := slices.Concat(scan(0, 3), scan(1, 3), scan(2, 3))
	slices.SortFunc(all, byTime)
	sameItems(t, all, expected)
}

func scanned(t *testing.T, scan *dynamodb.ScanInput) (all []item) {
	t.Helper()
	for {
		page, err := client.Scan(ctx, scan)
		ok(t, err)
		if page.ScannedCount > *scan.Limit {
			t.Fatalf("a page of %d", page.ScannedCount)
		}
		all = append(all, page.Items...)
		if scan.ExclusiveStartKey = page.LastEvaluatedKey; scan.ExclusiveStartKey == nil {
			slices.SortFunc(all, byTime)
			return all
		}
	}
}

func byTime(a, b item) int { return placed(a) - placed(b) }

func placed(one item) (at int) {
	fmt.Sscan(one["placed"].(*types.AttributeValueMemberN).Value, &at)
	return at
}

func TestBatches(t *testing.T) {
	connect(t)
	all := fill(t, "batches", 3)
	writes := map[string][]types.WriteRequest{
		orders: {
			{DeleteRequest: &types.DeleteRequest{Key: orderKey("batches", 0)}},
			{PutRequest: &types.PutRequest{Item: with(all[2], item{"note": s("changed")})}},
		},
		products: {
			{PutRequest: &types.PutRequest{Item: product(1)}},
			{PutRequest: &types.PutRequest{Item: product(2)}},
			{DeleteRequest: &types.DeleteRequest{Key: item{"sku": n(3)}}},
		},
	}
	written, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
		RequestItems: writes, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	ok(t, err)
	equal(t, len(written.UnprocessedItems), 0)
	equal(t, len(written.ConsumedCapacity), 2)
	for range 2 {
		answer, err := client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{
				orders: {Keys: []item{orderKey("batches", 0), orderKey("batches", 1), orderKey("batches", 2)}},
				products: {
					Keys:                     []item{{"sku": n(1)}, {"sku": n(2)}, {"sku": n(3)}},
					ProjectionExpression:     aws.String("#n, sku"),
					ExpressionAttributeNames: map[string]string{"#n": "name"},
				},
			},
		})
		ok(t, err)
		for table, left := range answer.UnprocessedKeys {
			equal(t, len(left.Keys), 0)
			t.Logf("nothing is left of %s", table)
		}
		got := answer.Responses[orders]
		slices.SortFunc(got, byTime)
		sameItems(t, got, []item{all[1], with(all[2], item{"note": s("changed")})})
		equal(t, len(answer.Responses[products]), 2)
		for _, one := range answer.Responses[products] {
			sku := number(one["sku"].(*types.AttributeValueMemberN).Value)
			same(t, one, map[string]item{"number 1": product(1), "number 2": product(2)}[sku])
		}
	}
}

func TestTransactions(t *testing.T) {
	connect(t)
	first, second := order("transactions", 1), order("transactions", 2)
	put(t, orders, first)
	put(t, products, product(20))
	put(t, products, product(21))
	update := types.TransactWriteItem{Update: &types.Update{
		TableName:                           &orders,
		Key:                                 orderKey("transactions", 1),
		UpdateExpression:                    aws.String("SET #s = :paid"),
		ConditionExpression:                 aws.String("#s = :open"),
		ExpressionAttributeNames:            map[string]string{"#s": "state"},
		ExpressionAttributeValues:           item{":paid": s("paid"), ":open": s("open")},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
	insert := types.TransactWriteItem{Put: &types.Put{TableName: &orders, Item: second}}
	remove := types.TransactWriteItem{Delete: &types.Delete{TableName: &products, Key: item{"sku": n(20)}}}
	check := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &products, Key: item{"sku": n(21)}, ConditionExpression: aws.String("attribute_exists(sku)"),
	}}
	write := func(token string, items ...types.TransactWriteItem) (*dynamodb.TransactWriteItemsOutput, error) {
		input := &dynamodb.TransactWriteItemsInput{
			TransactItems: items, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		}
		if token != "" {
			input.ClientRequestToken = &token
		}
		return client.TransactWriteItems(ctx, input)
	}
	once := fmt.Sprint("only once ", os.Getpid())
	// The second time the condition does not hold any more.
	for range 2 {
		answer, err := write(once, update, insert, remove, check)
		ok(t, err)
		equal(t, len(answer.ConsumedCapacity), 2)
	}
	_, err := write(once, insert)
	failure[*types.IdempotentParameterMismatchException](t, err)
	paid := with(first, item{"state": s("paid")})
	same(t, found(t, orders, orderKey("transactions", 1)), paid)
	same(t, found(t, orders, orderKey("transactions", 2)), second)
	if got := found(t, products, item{"sku": n(20)}); got != nil {
		t.Fatalf("got %v", got)
	}

	_, err = write("", remove, update)
	reasons := failure[*types.TransactionCanceledException](t, err).CancellationReasons
	equal(t, len(reasons), 2)
	equal(t, *reasons[0].Code, "None")
	equal(t, *reasons[1].Code, "ConditionalCheckFailed")
	equal(t, *reasons[1].Message, "The conditional request failed")
	same(t, reasons[1].Item, paid)

	get := func(table string, key item, projection *string) types.TransactGetItem {
		return types.TransactGetItem{
			Get: &types.Get{TableName: &table, Key: key, ProjectionExpression: projection},
		}
	}
	answer, err := client.TransactGetItems(ctx, &dynamodb.TransactGetItemsInput{
		TransactItems: []types.TransactGetItem{
			get(orders, orderKey("transactions", 2), nil),
			get(orders, orderKey("transactions", 3), nil),
			get(products, item{"sku": n(21)}, nil),
			get(orders, orderKey("transactions", 1), aws.String("cents, nobody")),
		},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
	})
	ok(t, err)
	var got []item
	for _, response := range answer.Responses {
		got = append(got, response.Item)
	}
	sameItems(t, got, []item{second, nil, product(21), {"cents": n(10)}})
	equal(t, len(answer.ConsumedCapacity), 2)
}

func TestBothDoors(t *testing.T) {
	connect(t)
	key := orderKey("doors", 1)
	type reader interface {
		GetItem(context.Context, *dynamodb.GetItemInput, ...options) (*dynamodb.GetItemOutput, error)
		Query(context.Context, *dynamodb.QueryInput, ...options) (*dynamodb.QueryOutput, error)
	}
	see := func(by reader, expected ...item) {
		t.Helper()
		got, err := by.GetItem(ctx, &dynamodb.GetItemInput{TableName: &orders, Key: key})
		ok(t, err)
		page, err := by.Query(ctx, &dynamodb.QueryInput{
			TableName:                 &orders,
			KeyConditionExpression:    aws.String("customer = :c"),
			ExpressionAttributeValues: item{":c": s("doors")},
		})
		ok(t, err)
		sameItems(t, page.Items, expected)
		equal(t, got.Item != nil, len(expected) == 1)
		if got.Item != nil {
			same(t, got.Item, expected[0])
		}
	}
	see(client)
	see(origin)
	for round := range 10 {
		written := with(key, item{"note": s(fmt.Sprint("past DAX ", round)), "round": n(round)})
		_, err := origin.PutItem(ctx, &dynamodb.PutItemInput{TableName: &orders, Item: written})
		ok(t, err)
		see(client, written)
		see(origin, written)
		written = with(key, item{"note": s(fmt.Sprint("by DAX ", round)), "cents": n(round)})
		put(t, orders, written)
		see(origin, written)
		see(client, written)
		_, err = origin.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &orders, Key: key})
		ok(t, err)
		see(client)
		see(origin)
	}
}

func TestErrors(t *testing.T) {
	connect(t)
	get := func(table string, key item) error {
		_, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key})
		return err
	}
	lost := get("nobody", orderKey("errors", 1))
	failure[*types.ResourceNotFoundException](t, lost)
	says(t, lost, "ResourceNotFoundException", "Requested resource not found")
	_, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &orders,
		Key:                       orderKey("errors", 1),
		UpdateExpression:          aws.String("SET cents = state + :one"),
		ExpressionAttributeValues: item{":one": n(1)},
	})
	says(t, err, "ValidationException", "The provided expression refers to an attribute that does not exist in the item")
	// The connection is still good.
	put(t, orders, order("errors", 1))
}
