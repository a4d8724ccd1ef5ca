import { expect, test } from "vitest";

import { systemSections, titleOf } from "./system";

test("a machine's metrics stand by its parts, devices side by side", () => {
  const keys = [
    "system/disk_usage_percentage",
    "system/gpu_10_utilization_percentage",
    "system/gpu_2_memory_usage_megabytes",
    "system/gpu_2_utilization_percentage",
    "system/fan",
    "system/process_cpu_percentage",
    "system/cpu_utilization_percentage",
    "system/process_memory_megabytes",
    "system/network_receive_megabytes",
    "system/system_memory_usage_megabytes",
  ];
  expect(systemSections(keys).map((s) => [s.name, s.keys.map((k) => k.slice(7))])).toEqual([
    ["GPU", ["gpu_2_utilization_percentage", "gpu_10_utilization_percentage", "gpu_2_memory_usage_megabytes"]],
    ["CPU", ["cpu_utilization_percentage", "process_cpu_percentage"]],
    ["Memory", ["system_memory_usage_megabytes", "process_memory_megabytes"]],
    ["Disk", ["disk_usage_percentage"]],
    ["Network", ["network_receive_megabytes"]],
    ["Other", ["fan"]],
  ]);
});

test("titles say machine, device and unit", () => {
  expect(titleOf("system/gpu_0_power_usage_watts")).toBe("GPU 0 power usage, W");
  expect(titleOf("system/node-3/cpu_utilization_percentage")).toBe("node-3: CPU utilization, %");
  expect(titleOf("system/network_receive_megabytes")).toBe("Network receive, MB");
  expect(titleOf("system/<b>")).toBe("<b>");
});
