// A long life of one of DAX's clients, as test_dax.py asks for it. The argument is the customer of its orders.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"linac/tests/clients/dax"
)

type item = map[string]types.AttributeValue

var (
	ctx    = context.Background()
	orders = aws.String("orders")
	client dax.Client
)

func main() {
	sdk := flag.Int("sdk", 2, "whose client it is: that of the AWS SDK for Go, 1, or of its second version, 2")
	flag.Parse()
	customer := flag.Arg(0)
	settings, err := config.LoadDefaultConfig(ctx)
	must(err)
	client, err = dax.Open(*sdk, settings)
	must(err)

	asleep := order(customer, 0)
	asleep["state"] = s("asleep")
	must(put(asleep))
	expect(order(customer, 0), asleep)
	expect(order("everybody", 0), nil)
	idle, err := time.ParseDuration(os.Getenv("IDLE") + "s")
	must(err)
	time.Sleep(idle)
	expect(order(customer, 0), asleep)
	awake := order(customer, 1)
	awake["state"] = s("awake")
	must(put(awake))

	for placed, over := 2, false; !over; placed++ {
		parity := []string{"even", "odd"}[placed%2]
		next := order(customer, placed)
		next["state"], next[parity+" of "+customer] = s(parity), n(placed)
		err := put(next)
		if err == nil {
			var everybody item
			everybody, err = get(order("everybody", 0))
			over = everybody != nil
		}
		if err != nil {
			fmt.Printf("%s order %d: %v\n", time.Now().Format(time.TimeOnly), placed, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func s(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }
func n(number int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(number)}
}

func order(customer string, placed int) item {
	return item{"customer": s(customer), "placed": n(placed)}
}

func put(one item) error {
	_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: orders, Item: one})
	return err
}

func get(key item) (item, error) {
	answer, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: orders, Key: key})
	if err != nil {
		return nil, err
	}
	return answer.Item, nil
}

func expect(key, expected item) {
	found, err := get(key)
	must(err)
	if !reflect.DeepEqual(found, expected) {
		log.Fatalf("got %v, expected %v", found, expected)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
