import java.util.List;
import org.mlflow.api.proto.Service;
import org.mlflow.tracking.MlflowClient;

/** One run from beginning to end with MLflow's client for Java, against the server that MLFLOW_TRACKING_URI names. */
public final class Track {
  private static final double[] LOSSES = {1.0, 0.5, 0.25};
  private static final int MOST_FOUND = 10;

  public static void main(String[] arguments) {
    String name = arguments.length > 0 ? arguments[0] : "clients-java";
    try (MlflowClient client = new MlflowClient(System.getenv("MLFLOW_TRACKING_URI"))) {
      String experiment = client.createExperiment(name);
      String run = client.createRun(experiment).getRunId();
      log(client, run);
      show(client, run);
      search(client, experiment);
    }
  }

  private static void log(MlflowClient client, String run) {
    client.logParam(run, "lr", "0.01");
    for (int step = 0; step < LOSSES.length; step++) {
      client.logMetric(run, "loss", LOSSES[step], System.currentTimeMillis(), step);
    }
    client.setTag(run, "client", "java");
    client.setTerminated(run, Service.RunStatus.FINISHED);
  }

  private static void show(MlflowClient client, String run) {
    Service.Run back = client.getRun(run);
    System.out.println("run " + run + " " + back.getInfo().getStatus());
    back.getData().getParamsList().forEach(p -> System.out.println("param " + p.getKey() + " " + p.getValue()));
    back.getData().getMetricsList().forEach(m -> System.out.println("metric " + m.getKey() + " " + m.getValue()));
    back.getData().getTagsList().stream()
        .filter(t -> t.getKey().equals("client"))
        .forEach(t -> System.out.println("tag " + t.getKey() + " " + t.getValue()));
    client.getMetricHistory(run, "loss")
        .forEach(m -> System.out.println("history " + m.getStep() + " " + m.getValue()));
  }

  private static void search(MlflowClient client, String experiment) {
    client
        .searchRuns(List.of(experiment), "metrics.loss < 0.3", Service.ViewType.ACTIVE_ONLY, MOST_FOUND)
        .getItems()
        .forEach(r -> System.out.println("found " + r.getInfo().getRunId()));
  }
}
