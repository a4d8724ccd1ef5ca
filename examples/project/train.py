"""An MLflow project: one ridge regression. `mlflow run examples/project --env-manager local -P alpha=0.5` runs it, and
MLflow makes the run and logs the parameter.
"""

import sys

import mlflow
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

SEED = 7


def main(alpha: float) -> None:
    x, x_test, y, y_test = train_test_split(*load_diabetes(return_X_y=True), random_state=SEED)
    model = Ridge(alpha=alpha).fit(x, y)  # refuses an alpha below 0, and the run fails
    with mlflow.start_run():
        mlflow.log_metric("r2", model.score(x_test, y_test))
        mlflow.log_dict({"coefficients": model.coef_.tolist()}, "coefficients.json")


if __name__ == "__main__":
    main(float(sys.argv[1]))
