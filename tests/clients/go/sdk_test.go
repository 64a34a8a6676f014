package clients

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

func TestTables(t *testing.T) {
	names := []string{"a-first", "b-second", "orders", "z-last"}
	for _, name := range names {
		if name != *table {
			ok(t, create(&name))
		}
	}
	pages := dynamodb.NewListTablesPaginator(client, &dynamodb.ListTablesInput{Limit: aws.Int32(1)})
	var listed []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		ok(t, err)
		listed = append(listed, page.TableNames...)
	}
	equal(t, listed, names)
	for _, name := range names {
		if name != *table {
			ok(t, remove(&name))
		}
	}
	answer, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: table})
	ok(t, err)
	equal(t, answer.Table.TableStatus, types.TableStatusActive)
	equal(t, answer.Table.KeySchema, definition(table).KeySchema)
	equal(t, answer.Table.GlobalSecondaryIndexes[0].IndexStatus, types.IndexStatusActive)
	if age := time.Since(*answer.Table.CreationDateTime); age < -time.Minute || age > 10*time.Minute {
		t.Fatalf("created %v ago", age)
	}
}

func TestAttributeTypes(t *testing.T) {
	one := newOrder("types", 1)
	one.Price = 0.1
	one.Tags = []string{"a", "ä"}
	one.Sizes = []int{-1, 3}
	one.Photo = []byte{0, 1, 255}
	one.Photos = [][]byte{{0}, {1, 2}}
	one.Parts = []part{{"screw", 4}, {"", 0}}
	one.Notes = map[string]string{"a.b": "quoted \"ümlaut\" \\ \n 🚲"}
	one.Paid = aws.Bool(false)
	shipped := attributevalue.UnixTime(time.Unix(1_700_000_000, 0))
	one.Shipped = &shipped
	put(t, one)
	got := orderOf(t, found(t, "types", 1))
	slices.Sort(got.Tags)
	slices.Sort(got.Sizes)
	slices.SortFunc(got.Photos, slices.Compare)
	equal(t, got, one)

	item := key("types", 2)
	precise := "1234567890.1234567890123456789012345678"
	item["precise"] = &types.AttributeValueMemberN{Value: precise}
	item["nothing"] = &types.AttributeValueMemberNULL{Value: true}
	item["list"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{
		&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}},
		&types.AttributeValueMemberBOOL{Value: true},
	}}
	_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: item})
	ok(t, err)
	equal(t, found(t, "types", 2), item)
}

func TestConditions(t *testing.T) {
	one := newOrder("conditions", 1)
	equal(t, len(found(t, "conditions", 1)), 0)
	insert := &dynamodb.PutItemInput{
		TableName:           table,
		Item:                itemOf(t, one),
		ConditionExpression: aws.String("attribute_not_exists(customer)"),
	}
	_, err := client.PutItem(ctx, insert)
	ok(t, err)
	_, err = client.PutItem(ctx, insert)
	failed := failure[*types.ConditionalCheckFailedException](t, err)
	equal(t, *failed.Message, "The conditional request failed")
	equal(t, len(failed.Item), 0)

	pay, err := expression.NewBuilder().
		WithUpdate(expression.Set(expression.Name("state"), expression.Value("paid"))).
		WithCondition(expression.Name("state").Equal(expression.Value("open")).
			And(expression.Name("cents").Between(expression.Value(5), expression.Value(10)))).
		Build()
	ok(t, err)
	update := &dynamodb.UpdateItemInput{
		TableName:                           table,
		Key:                                 key("conditions", 1),
		UpdateExpression:                    pay.Update(),
		ConditionExpression:                 pay.Condition(),
		ExpressionAttributeNames:            pay.Names(),
		ExpressionAttributeValues:           pay.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	_, err = client.UpdateItem(ctx, update)
	ok(t, err)
	one.State = "paid"
	equal(t, orderOf(t, found(t, "conditions", 1)), one)
	_, err = client.UpdateItem(ctx, update)
	equal(t, orderOf(t, failure[*types.ConditionalCheckFailedException](t, err).Item), one)
}

func TestUpdates(t *testing.T) {
	here := key("updates", 1)
	change := func(update expression.UpdateBuilder, returned types.ReturnValue) order {
		built, err := expression.NewBuilder().WithUpdate(update).Build()
		ok(t, err)
		answer, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:                 table,
			Key:                       here,
			UpdateExpression:          built.Update(),
			ExpressionAttributeNames:  built.Names(),
			ExpressionAttributeValues: built.Values(),
			ReturnValues:              returned,
		})
		ok(t, err)
		return orderOf(t, answer.Attributes)
	}
	parts, none := expression.Name("parts"), expression.Value([]part{})
	tags := func(tags ...string) expression.ValueBuilder {
		return expression.Value(&types.AttributeValueMemberSS{Value: tags})
	}
	grow := func(name string) expression.UpdateBuilder {
		more := expression.Value([]part{{name, 1}})
		return expression.Set(parts, expression.ListAppend(expression.IfNotExists(parts, none), more)).
			Add(expression.Name("version"), expression.Value(1)).
			Add(expression.Name("tags"), tags(name))
	}
	equal(t, change(grow("x"), types.ReturnValueUpdatedNew),
		order{Parts: []part{{"x", 1}}, Version: 1, Tags: []string{"x"}})
	equal(t, orderOf(t, found(t, "updates", 1)).Version, 1)
	equal(t, change(grow("y"), types.ReturnValueUpdatedOld),
		order{Parts: []part{{"x", 1}}, Version: 1, Tags: []string{"x"}})
	price := expression.Name("price")
	shrink := expression.Remove(expression.Name("parts[0]")).
		Delete(expression.Name("tags"), tags("x", "never")).
		Set(price, expression.Plus(expression.IfNotExists(price, expression.Value(1)), expression.Value(0.5)))
	after := order{Customer: "updates", Placed: 1, Parts: []part{{"y", 1}}, Version: 2, Tags: []string{"y"}, Price: 1.5}
	equal(t, change(shrink, types.ReturnValueAllNew), after)
	equal(t, orderOf(t, found(t, "updates", 1)), after)
	gone, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: table, Key: here, ReturnValues: types.ReturnValueAllOld,
	})
	ok(t, err)
	equal(t, orderOf(t, gone.Attributes), after)
	equal(t, len(found(t, "updates", 1)), 0)
}

func TestQueries(t *testing.T) {
	all := fill(t, "queries", 12)
	ours := expression.Key("customer").Equal(expression.Value("queries")).
		And(expression.Key("placed").GreaterThanEqual(expression.Value(2)))
	open := expression.Name("state").Equal(expression.Value("open"))
	of := func(builder expression.Builder, more func(*dynamodb.QueryInput)) *dynamodb.QueryInput {
		built, err := builder.Build()
		ok(t, err)
		input := &dynamodb.QueryInput{
			TableName:                 table,
			KeyConditionExpression:    built.KeyCondition(),
			FilterExpression:          built.Filter(),
			ProjectionExpression:      built.Projection(),
			ExpressionAttributeNames:  built.Names(),
			ExpressionAttributeValues: built.Values(),
		}
		more(input)
		return input
	}
	pages := dynamodb.NewQueryPaginator(client, of(expression.NewBuilder().WithKeyCondition(ours),
		func(q *dynamodb.QueryInput) { q.Limit = aws.Int32(4) }))
	var got []order
	var counts []int32
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		ok(t, err)
		counts = append(counts, page.Count)
		for _, item := range page.Items {
			got = append(got, orderOf(t, item))
		}
	}
	equal(t, counts, []int32{4, 4, 2})
	equal(t, got, all[2:])

	cents := expression.NamesList(expression.Name("cents"))
	backwards, err := client.Query(ctx, of(
		expression.NewBuilder().WithKeyCondition(ours).WithFilter(open).WithProjection(cents),
		func(q *dynamodb.QueryInput) { q.ScanIndexForward, q.Limit = aws.Bool(false), aws.Int32(3) }))
	ok(t, err)
	equal(t, backwards.LastEvaluatedKey, key("queries", 9))
	equal(t, backwards.ScannedCount, int32(3))
	equal(t, backwards.Items, []map[string]types.AttributeValue{
		{"cents": &types.AttributeValueMemberN{Value: "110"}},
		{"cents": &types.AttributeValueMemberN{Value: "90"}},
	})

	lost := newOrder("queries", 50)
	lost.State = "lost"
	put(t, lost)
	byState, err := client.Query(ctx, of(
		expression.NewBuilder().WithKeyCondition(expression.Key("state").Equal(expression.Value("lost"))),
		func(q *dynamodb.QueryInput) {
			q.IndexName, q.ReturnConsumedCapacity = aws.String("by-state"), types.ReturnConsumedCapacityIndexes
		}))
	ok(t, err)
	equal(t, orderOf(t, byState.Items[0]), lost)
	equal(t, byState.Count, int32(1))
	equal(t, *byState.ConsumedCapacity.GlobalSecondaryIndexes["by-state"].CapacityUnits, 0.5)
}

func TestScans(t *testing.T) {
	expected := append(fill(t, "scans-a", 15), fill(t, "scans-b", 15)...)
	ours, err := expression.NewBuilder().
		WithFilter(expression.Name("customer").BeginsWith("scans-")).Build()
	ok(t, err)
	scan := func(segment, segments int32) (all []order) {
		pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{
			TableName:                 table,
			FilterExpression:          ours.Filter(),
			ExpressionAttributeNames:  ours.Names(),
			ExpressionAttributeValues: ours.Values(),
			Segment:                   &segment,
			TotalSegments:             &segments,
			Limit:                     aws.Int32(7),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			ok(t, err)
			if page.ScannedCount > 7 {
				t.Fatalf("a page of %d", page.ScannedCount)
			}
			for _, item := range page.Items {
				all = append(all, orderOf(t, item))
			}
		}
		return all
	}
	sorted := func(orders []order) []order {
		slices.SortFunc(orders, func(a, b order) int {
			return slices.Compare([]string{a.Customer, fmt.Sprintf("%03d", a.Placed)},
				[]string{b.Customer, fmt.Sprintf("%03d", b.Placed)})
		})
		return orders
	}
	equal(t, sorted(scan(0, 1)), expected)
	equal(t, sorted(slices.Concat(scan(0, 3), scan(1, 3), scan(2, 3))), expected)
}

func TestBatches(t *testing.T) {
	all := fill(t, "batches", 26)
	read := func() (got []order) {
		var keys []map[string]types.AttributeValue
		for _, placed := range []int{0, 7, 25, 99} {
			keys = append(keys, key("batches", placed))
		}
		answer, err := client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{*table: {Keys: keys}},
		})
		ok(t, err)
		equal(t, len(answer.UnprocessedKeys), 0)
		for _, item := range answer.Responses[*table] {
			got = append(got, orderOf(t, item))
		}
		slices.SortFunc(got, func(a, b order) int { return a.Placed - b.Placed })
		return got
	}
	equal(t, read(), []order{all[0], all[7], all[25]})
	equal(t, read(), []order{all[0], all[7], all[25]})
	all[7].Cents = 1
	_, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{*table: {
			{DeleteRequest: &types.DeleteRequest{Key: key("batches", 0)}},
			{PutRequest: &types.PutRequest{Item: itemOf(t, all[7])}},
		}},
	})
	ok(t, err)
	equal(t, read(), []order{all[7], all[25]})
}

func TestTransactions(t *testing.T) {
	first, second := newOrder("transactions", 1), newOrder("transactions", 2)
	put(t, first)
	pay, err := expression.NewBuilder().
		WithUpdate(expression.Set(expression.Name("state"), expression.Value("paid"))).
		WithCondition(expression.Name("state").Equal(expression.Value("open"))).Build()
	ok(t, err)
	update := types.TransactWriteItem{Update: &types.Update{
		TableName:                           table,
		Key:                                 key("transactions", 1),
		UpdateExpression:                    pay.Update(),
		ConditionExpression:                 pay.Condition(),
		ExpressionAttributeNames:            pay.Names(),
		ExpressionAttributeValues:           pay.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
	insert := types.TransactWriteItem{Put: &types.Put{TableName: table, Item: itemOf(t, second)}}
	write := func(token *string, items ...types.TransactWriteItem) error {
		_, err := client.TransactWriteItems(ctx,
			&dynamodb.TransactWriteItemsInput{TransactItems: items, ClientRequestToken: token})
		return err
	}
	once := aws.String("go-once-only")
	ok(t, write(once, update, insert))
	ok(t, write(once, update, insert))
	failure[*types.IdempotentParameterMismatchException](t, write(once, insert))
	first.State = "paid"
	equal(t, orderOf(t, found(t, "transactions", 1)), first)

	cancelled := failure[*types.TransactionCanceledException](t, write(nil, insert, update))
	equal(t, len(cancelled.CancellationReasons), 2)
	equal(t, *cancelled.CancellationReasons[0].Code, "None")
	equal(t, *cancelled.CancellationReasons[1].Code, "ConditionalCheckFailed")
	equal(t, orderOf(t, cancelled.CancellationReasons[1].Item), first)

	var gets []types.TransactGetItem
	for _, placed := range []int{2, 3, 1} {
		gets = append(gets, types.TransactGetItem{
			Get: &types.Get{TableName: table, Key: key("transactions", placed)},
		})
	}
	answer, err := client.TransactGetItems(ctx, &dynamodb.TransactGetItemsInput{TransactItems: gets})
	ok(t, err)
	equal(t, len(answer.Responses), 3)
	equal(t, orderOf(t, answer.Responses[0].Item), second)
	equal(t, len(answer.Responses[1].Item), 0)
	equal(t, orderOf(t, answer.Responses[2].Item), first)
}

func TestErrors(t *testing.T) {
	_, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String("nobody")})
	equal(t, *failure[*types.ResourceNotFoundException](t, err).Message,
		"Requested resource not found: Table: nobody not found")
	_, err = client.CreateTable(ctx, definition(table))
	failure[*types.ResourceInUseException](t, err)
	wrong := key("errors", 1)
	wrong["placed"] = &types.AttributeValueMemberS{Value: "not a number"}
	_, err = client.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: wrong})
	refused := failure[smithy.APIError](t, err)
	equal(t, refused.ErrorCode(), "ValidationException")
	equal(t, refused.ErrorMessage(), "The provided key element does not match the schema")
}
