package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

const (
	apiPath        = "/api/2.0/mlflow/"
	modelName      = "bench"
	modelVersions  = 1_000
	versionClients = 8
)

// measureRegistry creates versions of one model, then looks them up as a deployment does.
func (b *bench) measureRegistry() error {
	work := fmt.Sprintf("create %d versions of one model, %d clients", modelVersions, versionClients)
	if err := b.both(work, "> 500 /s, numbers dense", func(t *target) (string, error) {
		l, err := t.createVersions()
		return fmt.Sprintf("%s, 1..%d dense", perSecond(l.rate()), l.count), err
	}); err != nil {
		return err
	}
	for _, c := range []struct {
		work string
		call func(*target) ([]byte, error)
	}{
		{"registry get-by-alias", func(t *target) ([]byte, error) {
			return t.mustGet(apiPath + "registered-models/alias?alias=champion&name=" + modelName)
		}},
		{"registry get-latest-versions", func(t *target) ([]byte, error) {
			return t.must(apiPath+"registered-models/get-latest-versions", []byte(`{"name":"`+modelName+`"}`))
		}},
	} {
		if err := b.both(c.work, "p50 < 1.5 ms", func(t *target) (string, error) {
			l, err := repeat(1, short, calls, func(int, int64) error {
				b, err := c.call(t)
				if err == nil && !bytes.Contains(b, []byte(`"version"`)) {
					err = fmt.Errorf("no version came back: %.300s", b)
				}
				return err
			})
			return "p50 " + ms(l.percentile(50)), err
		}); err != nil {
			return err
		}
	}
	return nil
}

// createVersions creates the model, as many versions as time allows, checks their numbers, and names the last one.
func (t *target) createVersions() (load, error) {
	if _, err := t.must(apiPath+"registered-models/create", []byte(`{"name":"`+modelName+`"}`)); err != nil {
		return load{}, err
	}
	body := []byte(`{"name":"` + modelName + `","source":"s3://bench/model"}`)
	numbers := make([][]int64, versionClients)
	l, err := repeat(versionClients, long, modelVersions, func(c int, _ int64) error {
		b, err := t.must(apiPath+"model-versions/create", body)
		if err != nil {
			return err
		}
		n, err := versionNumber(b)
		numbers[c] = append(numbers[c], n)
		return err
	})
	if err != nil {
		return l, err
	}
	if err := dense(slices.Concat(numbers...)); err != nil {
		return l, err
	}
	return l, t.setAlias("champion", l.count)
}

func versionNumber(answer []byte) (int64, error) {
	var a struct {
		Version struct {
			Number string `json:"version"`
		} `json:"model_version"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return 0, err
	}
	return strconv.ParseInt(a.Version.Number, 10, 64)
}

func (t *target) setAlias(alias string, version int64) error {
	body := fmt.Appendf(nil, `{"name":%q,"alias":%q,"version":"%d"}`, modelName, alias, version)
	_, err := t.must(apiPath+"registered-models/alias", body)
	return err
}

// dense tells whether the numbers, in any order, are 1, 2, 3 and so on: none missing, none given twice.
func dense(numbers []int64) error {
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != int64(i)+1 {
			return fmt.Errorf("version %d stands where %d belongs", n, i+1)
		}
	}
	return nil
}
