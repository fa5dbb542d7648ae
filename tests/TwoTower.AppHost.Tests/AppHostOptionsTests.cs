using TwoTower.Core;

namespace TwoTower.AppHost.Tests;

public class AppHostOptionsTests
{
    [Fact]
    public void A_run_without_arguments_takes_a_container_two_replicas_and_demo_data()
    {
        var options = AppHostOptions.Read([], publishing: false);

        Assert.Equal(DatabaseChoice.Container, options.Database);
        Assert.Equal(2, options.Replicas);
        Assert.Equal("auto", options.Device);
        Assert.True(options.DemoData);
        Assert.Null(options.Every);
    }

    [Fact]
    public void Publishing_without_arguments_is_Compose_on_a_connection_string()
    {
        var options = AppHostOptions.Read(["--operation", "publish", "--step", "publish"], publishing: true);

        Assert.Equal(DatabaseChoice.ConnectionString, options.Database);
        Assert.Equal(PublishTarget.Compose, options.Target);
    }

    [Fact]
    public void The_manifest_is_for_azd_and_so_for_Azure() =>
        Assert.Equal(PublishTarget.Azure, AppHostOptions.Read(["--publisher", "manifest"], publishing: true).Target);

    [Theory]
    [InlineData("--database", "somewhere", "--database 'somewhere': choose one of container, local, connection-string")]
    [InlineData("--target", "heroku", "--target 'heroku': choose one of compose, kubernetes, azure")]
    [InlineData("--device", "tpu", "--device 'tpu': choose one of auto, cpu, cuda")]
    [InlineData("--replicas", "0", "--replicas '0': choose one of a whole number from 1")]
    [InlineData("--demo-data", "yes", "--demo-data 'yes': choose one of true, false")]
    public void A_wrong_choice_is_answered_with_the_choices(string option, string value, string message) =>
        Assert.Equal(message, Assert.Throws<InputException>(() => AppHostOptions.Read([option, value], publishing: false)).Message);

    [Fact]
    public void A_deployment_cannot_use_this_machines_PostgreSQL() =>
        Assert.Throws<InputException>(() => AppHostOptions.Read(["--database", "local"], publishing: true));
}
