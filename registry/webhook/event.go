// Package webhook says who is told of what happens to registered models, and how, as MLflow 3 does
// (mlflow/webhooks). It is pure.
//
//	command on a model -> decided with all webhooks in hand -> its change carries a notice -> journal
//	                                                           (event, data, who is told)
//	stream of changes  -> one reader a webhook (package send) -> POST, signed -> its log: position and outcome
//
// MLflow sends from the handler, after the write, and forgets what it had not sent when it ends. Here the notice is
// part of the change, stored in the same atomic batch, so what was acknowledged is delivered, also by the next process.
// The price is that an event may be delivered twice, with the same id, when the process ends between the receiver's
// answer and the write of the log.
//
// Who is told is decided when it happens: a webhook hears of nothing older than itself. What changes nothing, a tag
// set to the value that it has, is no event; MLflow sends one.
package webhook

import (
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/registry/decide"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// MLflow's events of the registry.
const (
	ModelCreated      = "registered_model.created"
	VersionCreated    = "model_version.created"
	VersionTagSet     = "model_version_tag.set"
	VersionTagDeleted = "model_version_tag.deleted"
	AliasCreated      = "model_version_alias.created"
	AliasDeleted      = "model_version_alias.deleted"

	PromptCreated           = "prompt.created"
	PromptVersionCreated    = "prompt_version.created"
	PromptTagSet            = "prompt_tag.set"
	PromptTagDeleted        = "prompt_tag.deleted"
	PromptVersionTagSet     = "prompt_version_tag.set"
	PromptVersionTagDeleted = "prompt_version_tag.deleted"
	PromptAliasCreated      = "prompt_alias.created"
	PromptAliasDeleted      = "prompt_alias.deleted"

	// budgetExceeded may be subscribed to, as in MLflow; nothing here has a budget.
	budgetExceeded = "budget_policy.exceeded"
)

var events = []string{
	ModelCreated, VersionCreated, VersionTagSet, VersionTagDeleted, AliasCreated, AliasDeleted,
	PromptCreated, PromptVersionCreated, PromptTagSet, PromptTagDeleted, PromptVersionTagSet, PromptVersionTagDeleted,
	PromptAliasCreated, PromptAliasDeleted, budgetExceeded,
}

// ParseEvent reads an event by the names of its entity and its action in MLflow's protobuf, REGISTERED_MODEL and
// CREATED for one.
func ParseEvent(entity, action string) (string, error) {
	entity, action = strings.ToLower(entity), strings.ToLower(action)
	event := entity + "." + action
	if slices.Contains(events, event) {
		return event, nil
	}
	var actions []string
	for _, e := range events {
		if of, a, _ := strings.Cut(e, "."); of == entity {
			actions = append(actions, decide.PythonText(a))
		}
	}
	if len(actions) == 0 {
		return "", invalid("Invalid entity '%s' of a webhook's event; there are %s", entity, strings.Join(events, ", "))
	}
	slices.Sort(actions)
	return "", invalid("Invalid action '%s' for entity '%s'. Valid actions are: [%s]", action, entity, strings.Join(actions, ", "))
}

// SplitEvent gives the names that MLflow's protobuf has for an event.
func SplitEvent(event string) (entity, action string) {
	entity, action, _ = strings.Cut(strings.ToUpper(event), ".")
	return entity, action
}

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}

// NoWebhook is MLflow's answer to an unknown id.
func NoWebhook(id string) error {
	return track.Errorf(track.ResourceDoesNotExist, "Webhook with ID %s not found.", id)
}

// CheckName checks a webhook's name.
func CheckName(name string) error {
	if nameText.MatchString(name) {
		return nil
	}
	return invalid("Webhook name %s is invalid. It must start and end with a letter or digit, be less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).", decide.PythonText(name))
}

// OfPrompt is the event of prompts in place of one of models' versions and aliases.
func OfPrompt(event string) string {
	switch event {
	case VersionTagSet:
		return PromptVersionTagSet
	case VersionTagDeleted:
		return PromptVersionTagDeleted
	case AliasCreated:
		return PromptAliasCreated
	case AliasDeleted:
		return PromptAliasDeleted
	}
	return event
}
