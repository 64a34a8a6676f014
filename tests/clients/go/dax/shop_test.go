package dax

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/big"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// sdk tells whose client is tried: the AWS SDK for Go or its second version.
var sdk = flag.Int("sdk", 2, "1 or 2")

var (
	ctx      = context.Background()
	settings aws.Config
	// client goes through DAX, and origin past it.
	client                   Client
	origin                   *dynamodb.Client
	orders, products, pieces = "orders", "products", "pieces"
)

const byState = "by-state"

type (
	value = types.AttributeValue
	item  = map[string]value
)

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if settings, err = config.LoadDefaultConfig(ctx); err != nil {
		log.Fatal(err)
	}
	// This client may try again. It closes what it sent as soon as an answer begins, and Go's transport now and then takes
	// that for a failure, if the answer was quick; it does not read a large one to its end then.
	origin = dynamodb.NewFromConfig(settings)
	os.Exit(m.Run())
}

// connect makes a client once, for whoever needs the one that the environment describes.
func connect(t *testing.T) {
	t.Helper()
	if client == nil {
		var err error
		client, err = Open(*sdk, settings)
		ok(t, err)
	}
}

func s(text string) value   { return &types.AttributeValueMemberS{Value: text} }
func n(number any) value    { return &types.AttributeValueMemberN{Value: fmt.Sprint(number)} }
func b(bytes ...byte) value { return &types.AttributeValueMemberB{Value: append([]byte{}, bytes...)} }
func l(values ...value) value {
	return &types.AttributeValueMemberL{Value: append([]value{}, values...)}
}
func m(of item) value            { return &types.AttributeValueMemberM{Value: of} }
func yes(is bool) value          { return &types.AttributeValueMemberBOOL{Value: is} }
func nothing() value             { return &types.AttributeValueMemberNULL{Value: true} }
func ss(texts ...string) value   { return &types.AttributeValueMemberSS{Value: texts} }
func ns(numbers ...string) value { return &types.AttributeValueMemberNS{Value: numbers} }
func bs(blobs ...[]byte) value   { return &types.AttributeValueMemberBS{Value: blobs} }

func orderKey(customer string, placed int) item {
	return item{"customer": s(customer), "placed": n(placed)}
}

func order(customer string, placed int) item {
	state := []string{"paid", "open"}[placed%2]
	return with(orderKey(customer, placed), item{"state": s(state), "cents": n(placed * 10)})
}

func product(sku int) item {
	return item{"sku": n(sku), "name": s(fmt.Sprint("product ", sku))}
}

func with(one, more item) item {
	all := item{}
	for _, part := range []item{one, more} {
		for name, value := range part {
			all[name] = value
		}
	}
	return all
}

func put(t *testing.T, table string, one item) {
	t.Helper()
	_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: one})
	ok(t, err)
}

// found reads twice: the second answer may come from a cache, and must be the same. Past DAX it is the same, too.
func found(t *testing.T, table string, key item) item {
	t.Helper()
	get := &dynamodb.GetItemInput{TableName: &table, Key: key}
	beside, err := origin.GetItem(ctx, get)
	ok(t, err)
	for range 2 {
		answer, err := client.GetItem(ctx, get)
		ok(t, err)
		same(t, answer.Item, beside.Item)
		if (answer.Item == nil) != (beside.Item == nil) {
			t.Fatalf("got %v, and past DAX %v", answer.Item, beside.Item)
		}
	}
	return beside.Item
}

// fill puts the customer's first orders.
func fill(t *testing.T, customer string, count int) (all []item) {
	t.Helper()
	for placed := range count {
		all = append(all, order(customer, placed))
	}
	for batch := range slices.Chunk(all, 25) {
		var puts []types.WriteRequest
		for _, one := range batch {
			puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: one}})
		}
		answer, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{orders: puts},
		})
		ok(t, err)
		equal(t, len(answer.UnprocessedItems), 0)
	}
	return all
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%T: %v", err, err)
	}
}

func equal(t *testing.T, actual, expected any) {
	t.Helper()
	if !reflect.DeepEqual(actual, expected) {
		t.Fatalf("got      %+v\nexpected %+v", actual, expected)
	}
}

// same is for items: numbers may be written in several ways, and sets have no order.
func same(t *testing.T, actual, expected item) {
	t.Helper()
	equal(t, plain(m(actual)), plain(m(expected)))
}

func sameItems(t *testing.T, actual, expected []item) {
	t.Helper()
	equal(t, len(actual), len(expected))
	for place := range expected {
		same(t, actual[place], expected[place])
	}
}

// plain is a value as Go has it, for comparisons and to be read.
func plain(of value) any {
	switch of := of.(type) {
	case *types.AttributeValueMemberS:
		return of.Value
	case *types.AttributeValueMemberN:
		return number(of.Value)
	case *types.AttributeValueMemberB:
		return binary(of.Value)
	case *types.AttributeValueMemberBOOL:
		return of.Value
	case *types.AttributeValueMemberNULL:
		return nil
	case *types.AttributeValueMemberL:
		return each(of.Value, plain)
	case *types.AttributeValueMemberM:
		all := map[string]any{}
		for name, value := range of.Value {
			all[name] = plain(value)
		}
		return all
	case *types.AttributeValueMemberSS:
		return set{slices.Sorted(slices.Values(of.Value))}
	case *types.AttributeValueMemberNS:
		return set{slices.Sorted(slices.Values(each(of.Value, number)))}
	case *types.AttributeValueMemberBS:
		return set{slices.Sorted(slices.Values(each(of.Value, binary)))}
	default:
		return fmt.Sprintf("a %T", of)
	}
}

type set struct{ sorted []string }

func each[From, To any](of []From, as func(From) To) []To {
	all := []To{}
	for _, one := range of {
		all = append(all, as(one))
	}
	return all
}

func binary(bytes []byte) string { return fmt.Sprintf("binary %x", bytes) }

func number(text string) string {
	exact, isNumber := new(big.Rat).SetString(text)
	if !isNumber {
		return "no number: " + text
	}
	return "number " + exact.RatString()
}

// says checks an error. DAX's client for the second SDK puts names before what the server said.
func says(t *testing.T, err error, code, message string) {
	t.Helper()
	found := failure[smithy.APIError](t, err)
	equal(t, found.ErrorCode(), code)
	if !strings.HasSuffix(found.ErrorMessage(), message) {
		t.Fatalf("got %q, expected %q", found.ErrorMessage(), message)
	}
}

// failure is the error of type E in a chain.
func failure[E error](t *testing.T, err error) (found E) {
	t.Helper()
	if !errors.As(err, &found) {
		t.Fatalf("got %T: %v, expected a %T", err, err, found)
	}
	return found
}
