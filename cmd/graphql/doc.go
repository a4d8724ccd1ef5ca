// Package graphql serves MLflow's /graphql, which its web page asks for runs and experiments.
//
//	query -> parse, validate against mlflow.graphql -> a call of the REST route per root field -> its JSON, shaped
//
// There is nothing in GraphQL that the REST routes do not answer, so it holds no data: a root field is one request
// to them, with the headers of the client, and camelCase names of the selection are looked up by their snake_case
// in the answer. What is missing there has its type's zero value, as in MLflow, where answers are protobuf.
package graphql
