package dax

import (
	"context"
	"errors"
	"reflect"
	"strings"

	dax1 "github.com/aws/aws-dax-go/dax"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/request"
	dynamodb1 "github.com/aws/aws-sdk-go/service/dynamodb"
	"github.com/aws/smithy-go"
)

// sdk1 is the first client behind the methods of the second, so that the tests are the same: requests, answers and errors
// have the same members with the same names in both.
type sdk1 struct{ client *dax1.Dax }

func (c sdk1) Close() error { return c.client.Close() }

func (c sdk1) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...options) (*dynamodb.GetItemOutput, error) {
	return through[dynamodb.GetItemOutput](ctx, in, c.client.GetItemWithContext)
}

func (c sdk1) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...options) (*dynamodb.PutItemOutput, error) {
	return through[dynamodb.PutItemOutput](ctx, in, c.client.PutItemWithContext)
}

func (c sdk1) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...options) (*dynamodb.UpdateItemOutput, error) {
	return through[dynamodb.UpdateItemOutput](ctx, in, c.client.UpdateItemWithContext)
}

func (c sdk1) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...options) (*dynamodb.DeleteItemOutput, error) {
	return through[dynamodb.DeleteItemOutput](ctx, in, c.client.DeleteItemWithContext)
}

func (c sdk1) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...options) (*dynamodb.QueryOutput, error) {
	return through[dynamodb.QueryOutput](ctx, in, c.client.QueryWithContext)
}

func (c sdk1) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...options) (*dynamodb.ScanOutput, error) {
	return through[dynamodb.ScanOutput](ctx, in, c.client.ScanWithContext)
}

func (c sdk1) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...options) (*dynamodb.BatchGetItemOutput, error) {
	return through[dynamodb.BatchGetItemOutput](ctx, in, c.client.BatchGetItemWithContext)
}

func (c sdk1) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, _ ...options) (*dynamodb.BatchWriteItemOutput, error) {
	return through[dynamodb.BatchWriteItemOutput](ctx, in, c.client.BatchWriteItemWithContext)
}

func (c sdk1) TransactGetItems(ctx context.Context, in *dynamodb.TransactGetItemsInput, _ ...options) (*dynamodb.TransactGetItemsOutput, error) {
	return through[dynamodb.TransactGetItemsOutput](ctx, in, c.client.TransactGetItemsWithContext)
}

func (c sdk1) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...options) (*dynamodb.TransactWriteItemsOutput, error) {
	return through[dynamodb.TransactWriteItemsOutput](ctx, in, c.client.TransactWriteItemsWithContext)
}

func through[Out2, In2, In1, Out1 any](
	ctx context.Context, in *In2, call func(context.Context, *In1, ...request.Option) (*Out1, error),
) (*Out2, error) {
	asked := new(In1)
	carry(reflect.ValueOf(in).Elem(), reflect.ValueOf(asked).Elem())
	answer, err := call(ctx, asked)
	if err != nil {
		return nil, asOfSDK2(err)
	}
	out := new(Out2)
	carry(reflect.ValueOf(answer).Elem(), reflect.ValueOf(out).Elem())
	return out, nil
}

func asOfSDK2(err error) error {
	switch err := err.(type) {
	case *dynamodb1.ConditionalCheckFailedException:
		return &types.ConditionalCheckFailedException{Message: err.Message_}
	case *dynamodb1.ResourceNotFoundException:
		return &types.ResourceNotFoundException{Message: err.Message_}
	case *dynamodb1.IdempotentParameterMismatchException:
		return &types.IdempotentParameterMismatchException{Message: err.Message_}
	case *dynamodb1.TransactionCanceledException:
		cancelled := &types.TransactionCanceledException{Message: err.Message_}
		carry(reflect.ValueOf(err.CancellationReasons), reflect.ValueOf(&cancelled.CancellationReasons).Elem())
		return cancelled
	}
	var known awserr.Error
	if errors.As(err, &known) {
		return &smithy.GenericAPIError{Code: known.Code(), Message: known.Message()}
	}
	return err
}

var (
	value1  = reflect.TypeFor[*dynamodb1.AttributeValue]()
	value2  = reflect.TypeFor[types.AttributeValue]()
	members = map[string]reflect.Type{
		"B":    reflect.TypeFor[types.AttributeValueMemberB](),
		"BOOL": reflect.TypeFor[types.AttributeValueMemberBOOL](),
		"BS":   reflect.TypeFor[types.AttributeValueMemberBS](),
		"L":    reflect.TypeFor[types.AttributeValueMemberL](),
		"M":    reflect.TypeFor[types.AttributeValueMemberM](),
		"N":    reflect.TypeFor[types.AttributeValueMemberN](),
		"NS":   reflect.TypeFor[types.AttributeValueMemberNS](),
		"NULL": reflect.TypeFor[types.AttributeValueMemberNULL](),
		"S":    reflect.TypeFor[types.AttributeValueMemberS](),
		"SS":   reflect.TypeFor[types.AttributeValueMemberSS](),
	}
)

// carry copies from the types of one SDK to those of the other, which has everything behind pointers that the second has
// not; what only one of them has is left out.
func carry(from, to reflect.Value) {
	switch {
	case from.Type() == value2:
		if !from.IsNil() {
			member := from.Elem().Elem()
			to.Set(reflect.New(value1.Elem()))
			name := strings.TrimPrefix(member.Type().Name(), "AttributeValueMember")
			carry(member.FieldByName("Value"), to.Elem().FieldByName(name))
		}
	case from.Type() == value1:
		for name, member := range members {
			if field := from.Elem().FieldByName(name); !field.IsNil() {
				made := reflect.New(member)
				carry(field, made.Elem().FieldByName("Value"))
				to.Set(made)
			}
		}
	case from.Kind() == reflect.Pointer:
		if !from.IsNil() {
			carry(from.Elem(), pointed(to))
		}
	// The second SDK has words without pointers; an empty one is none.
	case from.Kind() == reflect.String && from.Type() != reflect.TypeFor[string]() && from.Len() == 0:
	case to.Kind() == reflect.Pointer:
		carry(from, pointed(to))
	case from.Type() == to.Type():
		to.Set(from)
	case from.Kind() == reflect.Struct:
		for at := range to.NumField() {
			if source := from.FieldByName(to.Type().Field(at).Name); source.IsValid() && to.Type().Field(at).IsExported() {
				carry(source, to.Field(at))
			}
		}
	case from.Kind() == reflect.Slice && !from.IsNil():
		to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
		for at := range from.Len() {
			carry(from.Index(at), to.Index(at))
		}
	case from.Kind() == reflect.Map && !from.IsNil():
		to.Set(reflect.MakeMap(to.Type()))
		for _, key := range from.MapKeys() {
			made := reflect.New(to.Type().Elem()).Elem()
			carry(from.MapIndex(key), made)
			to.SetMapIndex(key, made)
		}
	case from.Kind() != reflect.Slice && from.Kind() != reflect.Map:
		to.Set(from.Convert(to.Type()))
	}
}

// pointed is where the value goes: behind a new pointer, if there is to be one.
func pointed(to reflect.Value) reflect.Value {
	if to.Kind() != reflect.Pointer {
		return to
	}
	to.Set(reflect.New(to.Type().Elem()))
	return to.Elem()
}
