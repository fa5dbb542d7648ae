using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Entities;
using TwoTower.ServiceDefaults.Database;
using TwoTower.Testing;

namespace TwoTower.ServiceDefaults.Tests;

/// <summary>The database registration, under the keys of Aspire.Npgsql.</summary>
public sealed class DatabaseRegistrationTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_data_source_and_the_contexts_reach_the_database_and_know_vectors()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        await db.ExecuteAsync("insert into videos (title) values ('one')");
        using var host = Build(("ConnectionStrings:twotower", db.ConnectionString));
        await using var context = await host.Services.GetRequiredService<IDbContextFactory<TwoTowerDb>>().CreateDbContextAsync();
        Assert.Equal("one", (await context.Videos.SingleAsync()).Title);

        await using var command = host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select '[1,2]'::vector");
        var vector = Assert.IsType<Pgvector.Vector>(await command.ExecuteScalarAsync());
        Assert.Equal(new[] { 1f, 2f }, vector.ToArray());
    }

    [Fact]
    public void No_connection_string_is_an_error_that_names_the_paths_that_were_read()
    {
        var error = Assert.Throws<InputException>(() => Build());
        Assert.Contains("'ConnectionStrings:twotower'", error.Message, StringComparison.Ordinal);
        Assert.Contains("ConnectionStrings__twotower", error.Message, StringComparison.Ordinal);
        Assert.Contains("'Aspire:Npgsql:twotower'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_connection_string_that_cannot_be_read_is_named_and_not_repeated()
    {
        var error = Assert.Throws<InputException>(() => Build(("ConnectionStrings:twotower", "Host=x;Password=secret;Colour=red")));
        Assert.Contains("'ConnectionStrings:twotower'", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Aspire:Npgsql:ConnectionString", "a", "a")]
    [InlineData("Aspire:Npgsql:ConnectionString,Aspire:Npgsql:twotower:ConnectionString", "a,b", "b")]
    [InlineData("Aspire:Npgsql:twotower:ConnectionString,ConnectionStrings:twotower", "b,c", "c")]
    public void Of_several_connection_strings_the_nearer_one_wins(string keys, string hosts, string expected)
    {
        using var host = Build([.. keys.Split(',').Zip(hosts.Split(','), (key, name) => (key, $"Host={name};Database=d"))]);
        Assert.Equal(
            expected, new NpgsqlConnectionStringBuilder(host.Services.GetRequiredService<NpgsqlDataSource>().ConnectionString).Host);
    }

    [Fact]
    public void Health_checks_can_be_switched_off_by_Aspires_key()
    {
        using var on = Build(("ConnectionStrings:twotower", "Host=a"));
        Assert.Equal(["database", "release", "schema"], Checks(on));
        using var off = Build(("ConnectionStrings:twotower", "Host=a"), ("Aspire:Npgsql:DisableHealthChecks", "true"));
        Assert.Empty(Checks(off));
    }

    [Fact]
    public void The_callers_settings_have_the_last_word()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddTwoTowerDatabase("twotower", settings => settings.ConnectionString = "Host=mine", source => source.ConnectionStringBuilder.CommandTimeout = 7);
        using var host = builder.Build();
        var settings = new NpgsqlConnectionStringBuilder(host.Services.GetRequiredService<NpgsqlDataSource>().ConnectionString);
        Assert.Equal(("mine", 7), (settings.Host, settings.CommandTimeout));
    }

    private static IHost Build(params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value));
        builder.AddTwoTowerDatabase("twotower");
        return builder.Build();
    }

    private static IEnumerable<string> Checks(IHost host) =>
        host.Services.GetService<IOptions<HealthCheckServiceOptions>>()?.Value.Registrations.Select(check => check.Name).Order()
            ?? Enumerable.Empty<string>();
}
