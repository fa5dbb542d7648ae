using System.Net;
using System.Net.Sockets;
using TwoTower.Core;

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
        Assert.StartsWith("--databse: there is no such argument; there are --database, ", Assert.Throws<InputException>(() => AppHostOptions.Read(["--databse", "local"])).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("--operation", "run")]
    [InlineData("--ConnectionStrings:twotower", "Host=x")]
    [InlineData("--Logging:LogLevel:Default", "Debug")]
    public void What_Aspire_and_the_configuration_read_is_theirs(string option, string value) =>
        Assert.Null(AppHostOptions.Read([option, value]).Recipe);

    [Fact]
    public void A_port_in_use_is_named_before_anything_starts()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        Assert.Contains($"port {port} on 127.0.0.1 is in use", Assert.Throws<InputException>(() => (AppHostOptions.Read([]) with { Port = port }).FreePort()).Message, StringComparison.Ordinal);
    }
}
