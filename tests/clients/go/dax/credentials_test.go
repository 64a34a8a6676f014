package dax

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// read is what a program with these credentials comes to.
func read(t *testing.T, change func(*aws.Credentials)) error {
	t.Helper()
	used, err := settings.Credentials.Retrieve(ctx)
	ok(t, err)
	change(&used)
	others := settings.Copy()
	others.Credentials = credentials.StaticCredentialsProvider{Value: used}
	client, err := Open(*sdk, others)
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &orders, Key: orderKey("credentials", 1)})
	return err
}

func refused(t *testing.T, err error, words string) {
	t.Helper()
	if *sdk == 1 {
		// This client does not hand on why it cannot start.
		words = "No routes found"
	}
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Fatalf("got %v, expected %q", err, words)
	}
}

func TestRightCredentials(t *testing.T) {
	ok(t, read(t, func(*aws.Credentials) {}))
}

func TestWrongSecret(t *testing.T) {
	refused(t, read(t, func(used *aws.Credentials) { used.SecretAccessKey = "wrong" }), "check the secret")
}

func TestUnknownKey(t *testing.T) {
	refused(t, read(t, func(used *aws.Credentials) { used.AccessKeyID = "AKIDNOBODY" }), "not known")
}

func TestExpiredSignature(t *testing.T) {
	// In there it is the year 2000.
	synctest.Test(t, func(t *testing.T) {
		refused(t, read(t, func(*aws.Credentials) {}), "check the clock")
	})
}
