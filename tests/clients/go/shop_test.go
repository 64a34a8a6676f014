package clients

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var (
	ctx    = context.Background()
	client *dynamodb.Client
	table  = aws.String("orders")
)

// order is what the application keeps; the tags are those of the SDK's own mapper.
type order struct {
	Customer string                   `dynamodbav:"customer"`
	Placed   int                      `dynamodbav:"placed"`
	State    string                   `dynamodbav:"state"`
	Cents    int                      `dynamodbav:"cents"`
	Price    float64                  `dynamodbav:"price,omitempty"`
	Tags     []string                 `dynamodbav:"tags,stringset,omitempty"`
	Sizes    []int                    `dynamodbav:"sizes,numberset,omitempty"`
	Photo    []byte                   `dynamodbav:"photo,omitempty"`
	Photos   [][]byte                 `dynamodbav:"photos,binaryset,omitempty"`
	Parts    []part                   `dynamodbav:"parts,omitempty"`
	Notes    map[string]string        `dynamodbav:"notes,omitempty"`
	Paid     *bool                    `dynamodbav:"paid,omitempty"`
	Shipped  *attributevalue.UnixTime `dynamodbav:"shipped,omitempty"`
	Version  int                      `dynamodbav:"version,omitempty"`
}

type part struct {
	Name  string `dynamodbav:"name"`
	Count int    `dynamodbav:"count"`
}

func newOrder(customer string, placed int) order {
	return order{Customer: customer, Placed: placed, State: []string{"paid", "open"}[placed%2], Cents: placed * 10}
}

func definition(name *string) *dynamodb.CreateTableInput {
	attribute := func(name string, of types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: of}
	}
	keys := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{
			{AttributeName: &hash, KeyType: types.KeyTypeHash},
			{AttributeName: &sort, KeyType: types.KeyTypeRange},
		}
	}
	return &dynamodb.CreateTableInput{
		TableName:   name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			attribute("customer", types.ScalarAttributeTypeS),
			attribute("placed", types.ScalarAttributeTypeN),
			attribute("state", types.ScalarAttributeTypeS),
		},
		KeySchema: keys("customer", "placed"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String("by-state"),
			KeySchema:  keys("state", "placed"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}},
	}
}

func TestMain(m *testing.M) {
	// One attempt: a retry would hide an answer that the test should see.
	settings, err := config.LoadDefaultConfig(ctx, config.WithRetryMaxAttempts(1))
	if err != nil {
		log.Fatal(err)
	}
	client = dynamodb.NewFromConfig(settings)
	if err := create(table); err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	if err := remove(table); err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

func create(name *string) error {
	if _, err := client.CreateTable(ctx, definition(name)); err != nil {
		return err
	}
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 200*time.Millisecond
	})
	return waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: name}, 20*time.Second)
}

func remove(name *string) error {
	if _, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: name}); err != nil {
		return err
	}
	waiter := dynamodb.NewTableNotExistsWaiter(client, func(o *dynamodb.TableNotExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 200*time.Millisecond
	})
	return waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: name}, 20*time.Second)
}

func key(customer string, placed int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"customer": &types.AttributeValueMemberS{Value: customer},
		"placed":   &types.AttributeValueMemberN{Value: fmt.Sprint(placed)},
	}
}

func itemOf(t *testing.T, value any) map[string]types.AttributeValue {
	t.Helper()
	item, err := attributevalue.MarshalMap(value)
	ok(t, err)
	return item
}

func orderOf(t *testing.T, item map[string]types.AttributeValue) (found order) {
	t.Helper()
	ok(t, attributevalue.UnmarshalMap(item, &found))
	return found
}

func put(t *testing.T, one order) {
	t.Helper()
	_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: itemOf(t, one)})
	ok(t, err)
}

// found reads twice: the second answer may come from a cache, and must be the same.
func found(t *testing.T, customer string, placed int) map[string]types.AttributeValue {
	t.Helper()
	var items []map[string]types.AttributeValue
	for range 2 {
		answer, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: key(customer, placed)})
		ok(t, err)
		items = append(items, answer.Item)
	}
	equal(t, items[1], items[0])
	return items[0]
}

func fill(t *testing.T, customer string, count int) (all []order) {
	t.Helper()
	var puts []types.WriteRequest
	for placed := range count {
		one := newOrder(customer, placed)
		all = append(all, one)
		puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: itemOf(t, one)}})
	}
	for batch := range slices.Chunk(puts, 25) {
		answer, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{*table: batch},
		})
		ok(t, err)
		equal(t, len(answer.UnprocessedItems), 0)
	}
	return all
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, actual, expected any) {
	t.Helper()
	if !reflect.DeepEqual(actual, expected) {
		t.Fatalf("got      %+v\nexpected %+v", actual, expected)
	}
}

// failure is the error of type E in a chain.
func failure[E error](t *testing.T, err error) (found E) {
	t.Helper()
	if !errors.As(err, &found) {
		t.Fatalf("got %v, expected a %T", err, found)
	}
	return found
}
