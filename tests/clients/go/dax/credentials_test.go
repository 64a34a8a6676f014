package dax

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// changing has credentials that may be others at any time.
type changing struct{ atomic.Value }

func (c *changing) Retrieve(context.Context) (aws.Credentials, error) {
	return c.Load().(aws.Credentials), nil
}

func (c *changing) change(t *testing.T, change func(*aws.Credentials)) {
	t.Helper()
	used, err := settings.Credentials.Retrieve(ctx)
	ok(t, err)
	change(&used)
	c.Store(used)
}

func (c *changing) open() (Client, error) {
	others := settings.Copy()
	others.Credentials = c
	return Open(*sdk, others)
}

func get(client Client) error {
	_, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &orders, Key: orderKey("credentials", 1)})
	return err
}

// read is what a program with these credentials comes to.
func read(t *testing.T, change func(*aws.Credentials)) error {
	t.Helper()
	var credentials changing
	credentials.change(t, change)
	client, err := credentials.open()
	if err != nil {
		return err
	}
	defer client.Close()
	return get(client)
}

func refused(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Fatalf("got %v, expected %q", err, words)
	}
}

// refusedAtOnce is for clients that cannot even start. That for the first SDK does not hand on why.
func refusedAtOnce(t *testing.T, err error, words string) {
	t.Helper()
	if *sdk == 1 {
		words = "No routes found"
	}
	refused(t, err, words)
}

func right(*aws.Credentials) {}

func TestRightCredentials(t *testing.T) {
	ok(t, read(t, right))
}

func TestWrongSecret(t *testing.T) {
	refusedAtOnce(t, read(t, func(used *aws.Credentials) { used.SecretAccessKey = "wrong" }), "check the secret")
}

func TestUnknownKey(t *testing.T) {
	unknown := func(used *aws.Credentials) { used.AccessKeyID = "AKIDNOBODY" }
	refusedAtOnce(t, read(t, unknown), "not known")

	// What is wrong for a while only, a client outlives.
	var credentials changing
	credentials.change(t, right)
	client, err := credentials.open()
	ok(t, err)
	defer client.Close()
	ok(t, get(client))
	credentials.change(t, unknown)
	refused(t, get(client), "not known")
	credentials.change(t, right)
	ok(t, get(client))
}

func TestExpiredSignature(t *testing.T) {
	// In there it is the year 2000.
	synctest.Test(t, func(t *testing.T) {
		refusedAtOnce(t, read(t, right), "check the clock")
	})
}
