// Package parse reads MLflow's hot requests, log-metric and log-batch, from bytes straight into columns. It
// is pure: bytes in, a command or an error out that names the field in MLflow's words.
//
// MLflow's server reads requests with protobuf's JSON parser, swallows its errors, and then checks some fields.
// Where that stores nonsense (a timestamp of 1.5 becomes 0, a batch ends silently before its first bad value) or
// answers 500, this package refuses the request and names the field; whatever MLflow stores as it was sent is
// stored here too.
package parse
