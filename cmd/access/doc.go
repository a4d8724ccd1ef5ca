// Package access decides who may do what. It is pure: secrets, time, and what a request says come in.
//
//	Authorization header -> Credential -> Keyring.Find -> Grant: a role, and the experiments it is confined to
//	method, route        -> RuleOf     -> Rule: the role that is needed, and how the route reaches experiments
//	query, body          -> NamesOf    -> the experiments, runs and models that the request names
//
// A route without a rule is for unconfined administrators, so a forgotten rule closes a door.
package access
