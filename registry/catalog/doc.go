// Package catalog decides on registered models, their versions, aliases and stages. It is pure, like package
// decide, whose Rules its commands are.
//
// A registered model is one document under an id that is drawn when it is made; its name is a claim that points
// at the document, and its versions are documents under the id and their number:
//
//	regname.<hash of the name>  claim: the model's key, or nothing
//	regmodel.<id>               name, tags, aliases, the number of the last version, the stages of all
//	version.<id>.<n>            where the files are, of which run and logged model, its tags, its stage
//
// So a new name writes two claims and the model, however many versions it has, and a deletion one claim and the
// model: who makes a model of the freed name has another id and inherits nothing (decision 017). Whoever makes
// a version writes the model, so numbers have no holes and are not given twice; commands on one model fold into
// one write of it. The model's spans say the stage of every version: the newest of each stage, and those that a
// transition archives, are known from that one document.
//
// What changes is remembered with who, when, from and to. A version's creation has no message of its own for
// that (document.FirstChange): making a version is two messages, and a hundred versions a hundred and one. Only when
// a webhook is told of it there is one more, which carries the notice (decision 018).
package catalog
