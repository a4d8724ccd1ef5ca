package serve

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/query/registered"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// movesMax are looked through of a model, the newest.
const movesMax = 10_000

// Moves reads what was done to a registered model's versions, the newest first; all of it was flushed before.
type Moves interface {
	Moves(ctx context.Context, model string, max int) (registered.Moves, error)
}

// Models are registered models: what they are called, what was done to their versions, and where these belong.
type Models struct {
	Names    Names
	Moves    Moves
	Registry Registry
}

// namesThen knows registered models with the stages and aliases that they had at a time, under the names of now.
type namesThen struct {
	Names
	moves Moves
	ctx   context.Context
	atMS  int64
	known map[string]*sgpb.RegisteredModel
	err   error // the first failure to read; models are as they are now from then on
}

func (n *namesThen) ModelByName(name string) *sgpb.RegisteredModel {
	return n.then(n.Names.ModelByName(name))
}
func (n *namesThen) ModelByID(id string) *sgpb.RegisteredModel { return n.then(n.Names.ModelByID(id)) }

func (n *namesThen) then(m *sgpb.RegisteredModel) *sgpb.RegisteredModel {
	if m == nil || n.err != nil {
		return m
	}
	if then, ok := n.known[m.GetId()]; ok {
		return then
	}
	moves, err := n.moves.Moves(n.ctx, m.GetId(), movesMax)
	if err != nil {
		n.err = fmt.Errorf("read what was done to the model %q: %w", m.GetName(), err)
		return m
	}
	then := undone(m, moves, n.atMS)
	n.known[m.GetId()] = then
	return then
}

// stages are those that a version moves between.
var stages = []sgpb.Stage{sgpb.Stage_STAGE_NONE, sgpb.Stage_STAGE_STAGING, sgpb.Stage_STAGE_PRODUCTION, sgpb.Stage_STAGE_ARCHIVED}

// undone is a model without what was done to its versions after a time. What is deleted stays so.
func undone(m *sgpb.RegisteredModel, moves registered.Moves, atMS int64) *sgpb.RegisteredModel {
	then := proto.CloneOf(m)
	for _, t := range moves.Transitions {
		was := document.StageOf(then, t.Version)
		if t.TimeMS <= atMS || was == sgpb.Stage_STAGE_UNSPECIFIED || was == sgpb.Stage_STAGE_DELETED {
			continue
		}
		if i := slices.IndexFunc(stages, func(s sgpb.Stage) bool { return mlflow.StageName(s) == t.From }); i >= 0 {
			document.SetStage(then, t.Version, stages[i])
		}
	}
	for _, c := range moves.AliasChanges {
		if c.TimeMS <= atMS {
			continue
		}
		delete(then.Aliases, c.Alias)
		if version, err := strconv.ParseUint(c.From, 10, 64); err == nil {
			if then.Aliases == nil {
				then.Aliases = make(map[string]uint64)
			}
			then.Aliases[c.Alias] = version
		}
	}
	return then
}
