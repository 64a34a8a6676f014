// DAX's clients for both major versions of the AWS SDK for JavaScript, as applications open them, behind one face: `bare`
// has operations like getItem, `documents` has those like get, with JavaScript's own types; each returns a promise. `http`
// is the same SDK's client for DynamoDB itself. The tables are there; where all this is, and the credentials, the
// environment says.

const region = process.env.AWS_REGION;
const [endpoint, url] = [process.env.DAX_ENDPOINT, process.env.AWS_ENDPOINT_URL_DYNAMODB];

const OPENERS = {
  async sdk2(provide) {
    const { default: AWS } = await import("aws-sdk");
    const { default: AmazonDaxClient } = await import("amazon-dax-client");
    const provided = provide && { credentials: null, credentialProvider: { resolvePromise: provide } };
    const dax = new AmazonDaxClient({ endpoints: [endpoint], region, ...provided });
    const documents = new AWS.DynamoDB.DocumentClient({ service: dax });
    return {
      bare: promising(dax),
      documents: promising(documents),
      http: promising(new AWS.DynamoDB({ endpoint: url, region, maxRetries: 0 })),
      setOf: (...members) => documents.createSet(members),
      membersOf: (set) => set.values,
      close: () => dax.shutdown(),
    };
  },

  async sdk3(provide) {
    const { Dax } = await import("@amazon-dax-sdk/client-dax");
    const { DaxDocument } = await import("@amazon-dax-sdk/lib-dax");
    const { DynamoDB } = await import("@aws-sdk/client-dynamodb");
    const config = () => ({ endpoints: [endpoint], region, ...provide && { credentials: provide } });
    const [bare, documents] = [new Dax(config()), new DaxDocument(config())];
    return {
      bare,
      documents,
      http: new DynamoDB({ maxAttempts: 1 }),
      setOf: (...members) => new Set(members),
      membersOf: (set) => [...set],
      close() {
        bare.shutdown();
        documents.shutdown();
      },
    };
  },
};

const promising = (client) =>
  new Proxy(client, { get: (_, operation) => (request) => client[operation](request).promise() });

// `provide` returns a promise of credentials; without it the client finds some by itself.
export const open = (sdk, provide) => OPENERS[sdk](provide);

export const orderKey = (customer, placed) => ({ customer: { S: customer }, placed: { N: `${placed}` } });
