using System.Net;
using System.Net.Sockets;
using TwoTower.Core;
using TwoTower.Testing;

namespace TwoTower.AppHost.Tests;

public class AppHostOptionsTests
{
    [Fact]
    public void A_run_without_arguments_finds_a_database_and_has_two_replicas_and_demo_data()
    {
        var options = AppHostOptions.Read([]);

        Assert.Null(options.Database);
        Assert.Equal(2, options.Replicas);
        Assert.Equal(5080, options.Port);
        Assert.Equal("auto", options.Device);
        Assert.True(options.DemoData);
        Assert.Null(options.Every);
    }

    [Theory]
    [InlineData("--database", "somewhere", "--database 'somewhere': choose one of container, local, connection-string")]
    [InlineData("--device", "tpu", "--device 'tpu': choose one of auto, cpu, cuda")]
    [InlineData("--replicas", "0", "--replicas '0': write a whole number from 1 to 1000")]
    [InlineData("--port", "70000", "--port '70000': write a whole number from 0 to 65535")]
    [InlineData("--demo-data", "yes", "--demo-data 'yes': choose one of true, false")]
    public void A_wrong_choice_is_answered_with_the_choices(string option, string value, string message) =>
        Assert.Equal(message, Assert.Throws<InputException>(() => AppHostOptions.Read([option, value])).Message);

    [Fact]
    public void An_argument_that_nobody_reads_is_refused() =>
        Assert.StartsWith(
            "--databse: there is no such argument; there are --database, ", Assert.Throws<InputException>(() => AppHostOptions.Read(["--databse", "local"])).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("--operation", "run")]
    [InlineData("--ConnectionStrings:twotower", "Host=x")]
    [InlineData("--operation=run", "--step=x")]
    [InlineData("--Logging:LogLevel:Default", "Debug")]
    public void What_Aspire_and_the_configuration_read_is_theirs(string option, string value) =>
        Assert.Null(AppHostOptions.Read([option, value]).Recipe);

    [Theory]
    [InlineData("'-database': write arguments as --name value", "-database", "local")]
    [InlineData("'-database=local': write arguments as --name value", "-database=local")]
    [InlineData("'local': write arguments as --name value", "local")]
    [InlineData("'also': write arguments as --name value", "--database", "local", "also")]
    [InlineData("--database: its value is missing", "--database")]
    [InlineData("--database: its value is missing", "--device", "cpu", "--database")]
    [InlineData(
        "--trainer-image with --database local: a container doesn't reach a PostgreSQL on this machine's 127.0.0.1; choose container or "
            + "connection-string", "--trainer-image", "x", "--database", "local")]
    public void Nothing_is_passed_over(string message, params string[] args) =>
        Assert.Equal(message, Assert.Throws<InputException>(() => AppHostOptions.Read(args)).Message);

    [Fact]
    public void A_recipe_that_is_not_there_is_told_at_once() =>
        Assert.StartsWith(
            "--recipe 'v33': there is no such file, and no recipe of that name; there are ",
            Assert.Throws<InputException>(() => AppHostOptions.Read(["--recipe", "v33"])).Message, StringComparison.Ordinal);

    [Fact]
    public void A_recipes_path_is_that_of_the_folder_in_which_it_was_written()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "mine.json");
        File.WriteAllText(file, "{}");
        Assert.Equal(file, AppHostOptions.Read(["--recipe", Path.GetRelativePath(Environment.CurrentDirectory, file)]).Recipe);
    }

    [Fact]
    public void A_port_in_use_is_named_before_anything_starts()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        Assert.StartsWith(
            $"port {port} on this machine is in use: stop what has it",
            Assert.Throws<InputException>(() => AppHostOptions.Read(["--port", $"{port}"]).CheckRun(null)).Message, StringComparison.Ordinal);
        Assert.StartsWith(
            $"port {port} on this machine is in use: it is the dashboard's",
            Assert.Throws<InputException>(() => AppHostOptions.Read(["--port", "0"]).CheckRun($"http://localhost:{port}")).Message, StringComparison.Ordinal);
    }
}
