package query_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/streamgauge/streamgauge/query"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// TestAPageOfLargeDatasetsEndsEarly, and the next one goes on where it ended.
func TestAPageOfLargeDatasetsEndsEarly(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 1<<20)
	var all []*sgpb.EvaluationDataset
	for n := range 40 {
		all = append(all, &sgpb.EvaluationDataset{Id: fmt.Sprintf("d-%02d", n), Name: fmt.Sprint(n), Tags: map[string]string{"k": large}})
	}
	q := query.New(query.NewHot(query.HotOptions{}), nil, nil, nil, query.Options{EvaluationDatasets: func(context.Context) ([]*sgpb.EvaluationDataset, error) {
		return append([]*sgpb.EvaluationDataset(nil), all...), nil
	}})
	app := fiber.New()
	q.Routes(app)
	seen, token, pages := make(map[string]bool), "", 0
	for {
		r := httptest.NewRequest("POST", "/api/3.0/mlflow/datasets/search", strings.NewReader(fmt.Sprintf(`{"page_token":%q}`, token)))
		r.Header.Set("Content-Type", "application/json")
		a, err := app.Test(r, -1)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Datasets []struct {
				ID string `json:"dataset_id"`
			} `json:"datasets"`
			Next string `json:"next_page_token"`
		}
		if err := json.Unmarshal(b, &page); err != nil || len(b) > 17<<20 || len(page.Datasets) == 0 {
			t.Fatalf("page %d: %d bytes, %d datasets, %v", pages, len(b), len(page.Datasets), err)
		}
		for _, d := range page.Datasets {
			seen[d.ID] = true
		}
		pages++
		if token = page.Next; token == "" {
			break
		}
	}
	if len(seen) != 40 || pages != 3 {
		t.Errorf("%d datasets on %d pages", len(seen), pages)
	}
}
