package vault

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// experimentsMax bounds the scope of a token.
const experimentsMax = 100

// scope finds the experiments that are meant. A name wins over an id, as everywhere. An experiment that is there
// is remembered by its id, so that a new name does not take it out of the scope; a name that nobody has yet is
// remembered as a name, so that its bearer can make the experiment.
func (v *Vault) scope(ctx context.Context, texts []string) (s access.Scope, err error) {
	if len(texts) > experimentsMax {
		return s, track.Errorf(track.InvalidParameterValue, "A token is confined to at most %d experiments, not %d; leave them out, and it reaches all", experimentsMax, len(texts))
	}
	for _, text := range texts {
		if text == "" {
			return s, track.Errorf(track.InvalidParameterValue, "An experiment's name is empty; leave it out, and the token reaches all")
		}
		name, err := v.document(ctx, document.ExperimentNameKey(text))
		if err != nil {
			return s, err
		}
		if id, ok := strings.CutPrefix(name.GetClaim().GetOwner(), document.ExperimentPrefix); ok {
			s.IDs = append(s.IDs, id)
			continue
		}
		if _, number := track.ParseExperimentID(text); !number {
			s.Names = append(s.Names, text)
			continue
		}
		_, revision, err := v.journal.Load(ctx, document.ExperimentKey(text))
		if err != nil {
			return s, err
		}
		if revision == 0 {
			return s, track.Errorf(track.ResourceDoesNotExist, "No Experiment with id=%s exists; name it, if it is to be made later", text)
		}
		s.IDs = append(s.IDs, text)
	}
	slices.Sort(s.IDs)
	slices.Sort(s.Names)
	return access.Scope{IDs: slices.Compact(s.IDs), Names: slices.Compact(s.Names)}, nil
}

func (v *Vault) document(ctx context.Context, key string) (*sgpb.Document, error) {
	b, _, err := v.journal.Load(ctx, key)
	if err != nil {
		return nil, err
	}
	doc := new(sgpb.Document)
	if err := proto.Unmarshal(b, doc); err != nil {
		return nil, fmt.Errorf("decode %s: %w", key, err)
	}
	return doc, nil
}
