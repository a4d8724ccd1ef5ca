import { expect, test } from "vitest";

import { alertOf, formOf, when, type Alert } from "./alerts";

const alert: Alert = {
  id: "a", name: "n", enabled: false, experiment_ids: ["1", "2"], kind: "plateau", metric: "val/*", ranks: "zero", plateau: { points: 5, min_delta: 0.1, direction: "max" },
  channels: [{ id: "w1", type: "webhook", url: "https://a/1", has_secret: true }, { type: "webhook", url: "https://a/2" }, { type: "email", to: ["a@b", "c@d"] }],
};

test("a form that nobody touched changes nothing, also where it has no place for all", () => {
  const { id: _, ...rest } = alert;
  const sent = alertOf(formOf(alert, "7"), alert);
  expect(sent).toMatchObject({ ...rest, channels: expect.anything() });
  expect(sent["channels"]).toEqual([{ id: "w1", type: "webhook", url: "https://a/1" }, { type: "email", to: ["a@b", "c@d"] }, { type: "webhook", url: "https://a/2" }]);
});

test("a number that is none is refused here, with its name", () => {
  expect(() => alertOf({ ...formOf(null, "1"), value: "ten" }, null)).toThrow("Limit");
});

test("what an alert waits for", () => {
  expect(when(alert)).toBe("val/* is no better for 5 points");
  expect(when({ ...alert, plateau: undefined, kind: "nan", metric: "" } as unknown as Alert)).toBe("any metric is NaN or infinite");
});
