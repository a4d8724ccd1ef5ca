package decide

import (
	"crypto/sha256"
	"encoding/hex"

	"google.golang.org/protobuf/proto"

	"github.com/streamgauge/streamgauge/schemas/document"
	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// logInputs adds datasets and models that the run does not have. A dataset is known by name and digest, and
// its first writing stays.
func (d *decider) logInputs(c track.LogInputs) error {
	for _, in := range c.Datasets {
		if err := checkDataset(in); err != nil {
			return err
		}
	}
	r, err := d.activeRun(c.RunID)
	if err != nil {
		return err
	}
	known := make(map[[2]string]bool, len(r.GetInputs()))
	for _, in := range r.GetInputs() {
		known[datasetID(in)] = true
	}
	var inputs []*sgpb.DatasetInput
	blobs := make(map[string]bool)
	for _, in := range c.Datasets {
		if known[datasetID(in)] {
			continue
		}
		known[datasetID(in)] = true
		in = proto.Clone(in).(*sgpb.DatasetInput)
		in.AddedMs = d.NowMS
		if err := d.moveTexts(in.Dataset, blobs); err != nil {
			return err
		}
		inputs = append(inputs, in)
	}
	models := newModels(r.GetModelInputs(), c.Models)
	if n := len(r.GetInputs()) + len(inputs); n > datasetInputsMax {
		return invalid("Run '%s' would have %d dataset inputs; at most %d are kept", c.RunID, n, datasetInputsMax)
	}
	if n := len(r.GetModelInputs()) + len(models); n > modelLinksMax {
		return invalid("Run '%s' would have %d model inputs; at most %d are kept", c.RunID, n, modelLinksMax)
	}
	if len(inputs)+len(models) == 0 {
		return nil
	}
	d.changeRun(r, nil, func(x *sgpb.Run) {
		x.Inputs = append(x.Inputs, inputs...)
		x.ModelInputs = append(x.ModelInputs, models...)
		for _, id := range models {
			if x.ModelInputsMs == nil {
				x.ModelInputsMs = make(map[string]int64)
			}
			x.ModelInputsMs[id] = d.NowMS
		}
	})
	return nil
}

func datasetID(in *sgpb.DatasetInput) [2]string {
	return [2]string{in.GetDataset().GetName(), in.GetDataset().GetDigest()}
}

func newModels(have, more []string) []string {
	known := make(map[string]bool, len(have))
	for _, id := range have {
		known[id] = true
	}
	var out []string
	for _, id := range more {
		if !known[id] {
			known[id] = true
			out = append(out, id)
		}
	}
	return out
}

// moveTexts makes blobs of a dataset's long texts. written are the blobs of this decision.
func (d *decider) moveTexts(ds *sgpb.Dataset, written map[string]bool) error {
	for _, t := range []struct{ text, blob *string }{
		{&ds.Source, &ds.SourceBlob}, {&ds.Schema, &ds.SchemaBlob}, {&ds.Profile, &ds.ProfileBlob},
	} {
		*t.blob = "" // not a client's to say
		if len(*t.text) <= document.BlobBytesMin {
			continue
		}
		sum := sha256.Sum256([]byte(*t.text))
		name := hex.EncodeToString(sum[:])
		content := []byte(*t.text)
		*t.text, *t.blob = "", name
		if written[name] {
			continue
		}
		written[name] = true
		doc, err := d.load(document.BlobKey(name))
		if err != nil {
			return err
		}
		if doc.GetBlob() == nil {
			d.write(document.BlobKey(name), false, &sgpb.Document{Body: &sgpb.Document_Blob{Blob: &sgpb.Blob{Content: content}}})
		}
	}
	return nil
}

func checkDataset(in *sgpb.DatasetInput) error {
	ds := in.GetDataset()
	if ds == nil {
		return invalid("Dataset cannot be None")
	}
	for _, f := range []struct {
		name, text string
		runesMax   int
	}{
		{"name", ds.GetName(), mlflow.DatasetNameMax},
		{"digest", ds.GetDigest(), mlflow.DatasetDigestMax},
		{"source_type", ds.GetSourceType(), mlflow.DatasetSourceTypeMax},
		{"source", ds.GetSource(), mlflow.DatasetSourceMax},
		{"schema", ds.GetSchema(), mlflow.DatasetSchemaMax},
		{"profile", ds.GetProfile(), mlflow.DatasetProfileMax},
	} {
		if err := mlflow.CheckLength(f.name, f.text, f.runesMax); err != nil {
			return err
		}
	}
	for k, v := range in.GetTags() {
		if err := mlflow.CheckLength("key", k, mlflow.InputTagKeyMax); err != nil {
			return err
		}
		if err := mlflow.CheckLength("value", v, mlflow.InputTagValueMax); err != nil {
			return err
		}
	}
	return nil
}

// logOutputs links models that the run has not yet; a repeated request changes nothing.
func (d *decider) logOutputs(c track.LogOutputs) error {
	r, err := d.activeRun(c.RunID)
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(r.GetModelOutputs()))
	for _, m := range r.GetModelOutputs() {
		known[m.GetModelId()] = true
	}
	var outputs []*sgpb.ModelOutput
	for _, m := range c.Models {
		if !known[m.GetModelId()] {
			known[m.GetModelId()] = true
			m = proto.Clone(m).(*sgpb.ModelOutput)
			m.AddedMs = d.NowMS
			outputs = append(outputs, m)
		}
	}
	if n := len(known); n > modelLinksMax {
		return invalid("Run '%s' would have %d model outputs; at most %d are kept", c.RunID, n, modelLinksMax)
	}
	if len(outputs) > 0 {
		d.changeRun(r, nil, func(x *sgpb.Run) { x.ModelOutputs = append(x.ModelOutputs, outputs...) })
	}
	return nil
}
