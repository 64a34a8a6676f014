// Package dax opens DAX's clients for Go. Its tests are an application of both, which know nothing of what they talk to: the
// environment tells where DAX and DynamoDB are, and the credentials.
package dax

import (
	"context"
	"os"
	"strings"

	dax2 "github.com/aws/aws-dax-go-v2/dax"
	dax1 "github.com/aws/aws-dax-go/dax"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go/aws/credentials"
)

// options are what the methods of the second SDK take, and nobody gives here.
type options = func(*dynamodb.Options)

// Client has the methods of the second SDK that DAX has.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...options) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...options) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...options) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...options) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...options) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...options) (*dynamodb.ScanOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...options) (*dynamodb.BatchGetItemOutput, error)
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...options) (*dynamodb.BatchWriteItemOutput, error)
	TransactGetItems(context.Context, *dynamodb.TransactGetItemsInput, ...options) (*dynamodb.TransactGetItemsOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...options) (*dynamodb.TransactWriteItemsOutput, error)
	Close() error
}

// Open makes the client for one of the SDKs: 1 or 2. It takes the endpoint from its caller, not from the environment.
//
// Nothing is tried again, which would hide an answer that a test should see.
func Open(sdk int, settings aws.Config) (Client, error) {
	endpoint := os.Getenv("DAX_ENDPOINT")
	if sdk == 1 {
		return openSDK1(settings, endpoint)
	}
	return openSDK2(settings, endpoint)
}

func openSDK2(settings aws.Config, endpoint string) (Client, error) {
	chosen := dax2.NewConfig(settings, endpoint)
	chosen.ReadRetries, chosen.WriteRetries = 0, 0
	if strings.HasPrefix(endpoint, "daxs:") {
		dial, err := dax2.SecureDialContext(endpoint, false)
		if err != nil {
			return nil, err
		}
		chosen.DialContext = dial
	}
	return dax2.New(chosen)
}

func openSDK1(settings aws.Config, endpoint string) (Client, error) {
	chosen := dax1.DefaultConfig()
	chosen.HostPorts, chosen.Region = []string{endpoint}, settings.Region
	chosen.ReadRetries, chosen.WriteRetries = 0, 0
	chosen.Credentials = credentials.NewCredentials(&provider1{settings.Credentials})
	if strings.HasPrefix(endpoint, "daxs:") {
		dial, err := dax1.SecureDialContext(endpoint, false)
		if err != nil {
			return nil, err
		}
		chosen.DialContext = dial
	}
	client, err := dax1.New(chosen)
	return sdk1{client}, err
}

// provider1 has the credentials of the second SDK, asked each time.
type provider1 struct{ provider aws.CredentialsProvider }

func (p *provider1) IsExpired() bool { return true }

func (p *provider1) Retrieve() (credentials.Value, error) {
	found, err := p.provider.Retrieve(context.Background())
	return credentials.Value{
		AccessKeyID: found.AccessKeyID, SecretAccessKey: found.SecretAccessKey, SessionToken: found.SessionToken,
	}, err
}
