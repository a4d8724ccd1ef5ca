package parse

import (
	"strconv"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// pairs are params or tags. Those above the limit are counted and not kept.
type pairs struct {
	kept  []*track.KeyValue
	count int
}

func (p *pairs) read(d *jx.Decoder, name string) error {
	p.kept, p.count = nil, 0
	return list(d, name, func() error {
		i := p.count
		p.count++
		if i >= mlflow.BatchParamsMax { // as many tags are allowed
			return d.Skip()
		}
		if err := element(d, name, i); err != nil {
			return err
		}
		kv, err := pair(d, name+"["+strconv.Itoa(i)+"].")
		p.kept = append(p.kept, kv)
		return err
	})
}

func pair(d *jx.Decoder, path string) (*track.KeyValue, error) {
	kv := new(track.KeyValue)
	err := d.ObjBytes(func(d *jx.Decoder, name []byte) (err error) {
		switch string(name) {
		case "key":
			kv.Key, err = text(d, path+"key")
		case "value":
			kv.Value, err = text(d, path+"value")
		default:
			err = d.Skip()
		}
		return err
	})
	if err == nil && kv.Key == "" {
		err = mlflow.MissingParameter(path + "key")
	}
	return kv, err
}

// check checks the keys. Params have a name of their own for a key that is too long.
func (p *pairs) check(name string, params bool) error {
	for i, kv := range p.kept {
		if params {
			if err := mlflow.CheckLength("Param key", kv.Key, mlflow.KeyLengthMax); err != nil {
				return err
			}
		}
		if err := mlflow.CheckKey(name+"["+strconv.Itoa(i)+"].key", kv.Key); err != nil {
			return err
		}
	}
	return nil
}
