// Package clients has an application of the AWS SDK for Go, which knows nothing of what it talks to: the SDK takes
// endpoint, region and credentials from the environment.
package clients

// Its own tests are run as well; importing it keeps it, and what they need, in go.mod and go.sum.
import _ "github.com/guregu/dynamo/v2"
