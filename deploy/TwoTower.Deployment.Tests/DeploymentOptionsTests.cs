using TwoTower.AppHost;
using TwoTower.Core;

namespace TwoTower.Deployment.Tests;

public class DeploymentOptionsTests
{
    [Fact]
    public void Publishing_without_arguments_is_Compose_on_a_connection_string()
    {
        var options = DeploymentOptions.Read(["--operation", "publish", "--step", "publish"]);

        Assert.Equal(DatabaseChoice.ConnectionString, options.Graph.Database);
        Assert.Equal(PublishTarget.Compose, options.Target);
    }

    [Fact]
    public void The_manifest_is_for_azd_and_so_for_Azure() =>
        Assert.Equal(PublishTarget.Azure, DeploymentOptions.Read(["--publisher", "manifest"]).Target);

    [Fact]
    public void A_wrong_target_is_answered_with_the_targets() =>
        Assert.Equal(
            "--target 'heroku': choose one of compose, kubernetes, azure",
            Assert.Throws<InputException>(() => DeploymentOptions.Read(["--target", "heroku"])).Message);

    [Theory]
    [InlineData("--port", "--port", "80")]
    [InlineData("--demo-data", "--demo-data", "true")]
    [InlineData("Compose has no scheduler", "--schedule", "0 3 * * *")]
    [InlineData("starts trainings by the clock", "--every", "6h", "--target", "kubernetes")]
    [InlineData("published without a GPU", "--device", "cuda", "--target", "azure")]
    public void What_a_target_has_no_use_for_is_refused(string message, params string[] args) =>
        Assert.Contains(message, Assert.Throws<InputException>(() => DeploymentOptions.Read(args)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_deployment_cannot_use_this_machines_PostgreSQL() =>
        Assert.Throws<InputException>(() => DeploymentOptions.Read(["--database", "local"]));
}
