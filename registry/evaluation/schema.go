package evaluation

import (
	"encoding/json"
	"fmt"
	"strings"
)

// schema is which fields the records of a dataset have and of which kind each was when it was first seen. Outputs
// that are no object have a kind themselves.
type schema struct {
	Inputs       map[string]string `json:"inputs"`
	Outputs      any               `json:"outputs"`
	Expectations map[string]string `json:"expectations"`
	Version      string            `json:"version"`
}

func readSchema(text string) (s schema, err error) {
	s = schema{Inputs: map[string]string{}, Outputs: map[string]any{}, Expectations: map[string]string{}, Version: "1.0"}
	if text == "" {
		return s, nil
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("read the schema of an evaluation dataset: %w", err)
	}
	return s, nil
}

func (s schema) text() (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

func (s *schema) add(inputs fields, outputs json.RawMessage, expectations fields) {
	for name, v := range inputs {
		first(s.Inputs, name, v)
	}
	for name, v := range expectations {
		first(s.Expectations, name, v)
	}
	if text(outputs) == "" {
		return
	}
	kinds, _ := s.Outputs.(map[string]any)
	var of fields
	switch {
	case json.Unmarshal(outputs, &of) != nil:
		if kinds != nil && len(kinds) == 0 {
			s.Outputs = kind(outputs)
		}
	case kinds != nil:
		for name, v := range of {
			if kinds[name] == nil {
				kinds[name] = kind(v)
			}
		}
	}
}

func first(kinds map[string]string, name string, v json.RawMessage) {
	if _, ok := kinds[name]; !ok {
		kinds[name] = kind(v)
	}
}

// kind names the kind of a JSON value in MLflow's words.
func kind(v json.RawMessage) string {
	switch v[0] {
	case 'n':
		return "null"
	case 't', 'f':
		return "boolean"
	case '"':
		return "string"
	case '[':
		return "array"
	case '{':
		return "object"
	}
	if strings.ContainsAny(string(v), ".eE") {
		return "float"
	}
	return "integer"
}
