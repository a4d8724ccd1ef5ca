// Package describe holds how a route of our own API says what it takes and gives. Each module describes its routes with
// the types of their requests and answers; package openapi of cmd makes the OpenAPI document and docs/api.md of them.
//
// Of a request's type a field is a parameter by its tag path, query or header, and a field of a JSON body by its tag json.
// Further tags say more: description, required, default, minimum, maximum, minLength, maxLength, minItems, maxItems,
// pattern, enum, example.
package describe

// Route is a route as it is registered, with all that a client has to know.
type Route struct {
	// Method and Path are those of the registration: GET, /v1/runs/:run_id/series.
	Method, Path string
	// Area groups routes on the page.
	Area string
	// Summary is a few words, Text some sentences; they are Markdown.
	Summary, Text string
	// Takes is a value of the request's type, nil if it takes nothing.
	Takes any
	// Bodies are what the request's body may be instead of JSON, or beside it.
	Bodies []Media
	// Gives is a value of the JSON answer's type, nil if there is none.
	Gives any
	// Status goes with an answer; 0 is 200.
	Status int
	// Answers are what the answer may be instead of JSON, or beside it.
	Answers []Media
	// Refusals are the statuses of errors, beside those that any route may answer.
	Refusals []int
	// Open is for routes that ask for no token.
	Open bool
}

// Media is a body that is not JSON.
type Media struct {
	// Type is the media type.
	Type string
	// Text says what the bytes are.
	Text string
}

// Error is the answer to whatever is refused.
type Error struct {
	Code    string `json:"error_code" description:"A word for programs: INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST, PERMISSION_DENIED, ..." example:"RESOURCE_DOES_NOT_EXIST"`
	Message string `json:"message" description:"What is wrong and what to do, for people." example:"Run with id=0123 not found"`
	State   string `json:"sqlstate,omitempty" description:"As MLflow's server has it."`
	Class   string `json:"error_class,omitempty" description:"As MLflow's server has it."`
}

// Number is a double. JSON has no NaN and no infinities, so these are texts.
type Number float64

// JSONSchemaBytes is what the document says of a Number.
func (Number) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"description":"A double; NaN and infinities are texts.","anyOf":[{"type":"number"},{"enum":["NaN","Infinity","-Infinity"],"type":"string"}]}`), nil
}

// TextOrNumber is a number that may be written as a text too, or a word.
type TextOrNumber string

// JSONSchemaBytes is what the document says of a TextOrNumber.
func (TextOrNumber) JSONSchemaBytes() ([]byte, error) {
	return []byte(`{"type":["string","integer"]}`), nil
}

// Anything is any JSON.
type Anything struct{}

// JSONSchemaBytes is what the document says of Anything.
func (Anything) JSONSchemaBytes() ([]byte, error) { return []byte(`{}`), nil }

// Empty is an object without fields.
type Empty struct{}

// JSONSchemaBytes is what the document says of Empty.
func (Empty) JSONSchemaBytes() ([]byte, error) { return []byte(`{"type":"object"}`), nil }
