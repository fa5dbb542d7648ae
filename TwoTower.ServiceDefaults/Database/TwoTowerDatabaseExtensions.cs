using System.Diagnostics;
using Aspire.Npgsql;
using HealthChecks.NpgSql;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Entities;
using TwoTower.ServiceDefaults.Health;

namespace TwoTower.ServiceDefaults.Database;

/// <summary>
/// The database registration: Aspire.Npgsql's data source and EF Core's context on it, and what these don't do
/// (<c>docs/decisions/database-registration.md</c>).
/// </summary>
internal static class TwoTowerDatabaseExtensions
{
    /// <summary>The settings section, which is Aspire.Npgsql's.</summary>
    public const string Section = "Aspire:Npgsql";

    /// <summary>
    /// Registers a pooled <see cref="NpgsqlDataSource"/> that knows pgvector's types, contexts of EF Core on it, and readiness: the
    /// server, the extension and schema, a release.
    /// </summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="connectionName">Name under <c>ConnectionStrings</c>; the AppHost calls it <c>twotower</c>.</param>
    /// <param name="configureSettings">Has the last word on the settings.</param>
    /// <param name="configureDataSourceBuilder">Has the last word on the data source.</param>
    /// <exception cref="InputException">No connection string; the message has the configuration paths that were read.</exception>
    public static TBuilder AddTwoTowerDatabase<TBuilder>(
        this TBuilder builder,
        string connectionName,
        Action<NpgsqlSettings>? configureSettings = null,
        Action<NpgsqlDataSourceBuilder>? configureDataSourceBuilder = null)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);

        NpgsqlSettings? read = null;
        builder.AddNpgsqlDataSource(
            connectionName,
            settings =>
            {
                configureSettings?.Invoke(settings);
                settings.ConnectionString = Validate(settings.ConnectionString, connectionName);
                read = new()
                {
                    DisableHealthChecks = settings.DisableHealthChecks,
                    DisableTracing = settings.DisableTracing,
                    DisableMetrics = settings.DisableMetrics
                };

                // Its check has neither our tag nor a deadline: ours is below.
                settings.DisableHealthChecks = true;
            },
            dataSource =>
            {
                Configure(dataSource);
                configureDataSourceBuilder?.Invoke(dataSource);
            });

        // On the data source above, not on a second pool of Aspire's AddNpgsqlDbContext.
        builder.Services.AddDbContextFactory<TwoTowerDb>(
            (services, options) => TwoTowerDb.Configure(options, services.GetRequiredService<NpgsqlDataSource>()));
        if (!read!.DisableHealthChecks)
        {
            builder.Services.AddHealthChecks()
                .Add(new HealthCheckRegistration(
                    "database",
                    services => new NpgSqlHealthCheck(new NpgSqlHealthCheckOptions(services.GetRequiredService<NpgsqlDataSource>())),
                    HealthStatus.Unhealthy, [HealthTags.Ready], TimeSpan.FromSeconds(5)))
                .Add(new HealthCheckRegistration(
                    "schema", services => services.GetRequiredService<SchemaHealthCheck>(),
                    HealthStatus.Unhealthy, [HealthTags.Ready], TimeSpan.FromSeconds(10)))
                .Add(new HealthCheckRegistration(
                    "release", ActivatorUtilities.GetServiceOrCreateInstance<ReleaseHealthCheck>,
                    HealthStatus.Degraded, [HealthTags.Ready], TimeSpan.FromSeconds(5)));
            builder.Services.TryAddSingleton<SchemaHealthCheck>();
        }

        return builder;
    }

    /// <summary>
    /// Registers a further pooled data source to the same database under a key, of which nothing is opened before it is used: for work that
    /// isn't to share the limits of the first one.
    /// </summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="connectionName">Name under <c>ConnectionStrings</c>.</param>
    /// <exception cref="InputException">No connection string; the message has the configuration paths that were read.</exception>
    public static TBuilder AddKeyedTwoTowerDatabase<TBuilder>(this TBuilder builder, string connectionName, string serviceKey)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);

        // Aspire takes the key for the connection's name as well, so the settings of the first one are read here.
        var shared = new NpgsqlSettings();
        var section = builder.Configuration.GetSection(Section);
        section.Bind(shared);
        section.GetSection(connectionName).Bind(shared);
        builder.AddKeyedNpgsqlDataSource(
            serviceKey,
            settings =>
            {
                settings.ConnectionString =
                    Validate(builder.Configuration.GetConnectionString(connectionName) ?? shared.ConnectionString, connectionName);
                settings.DisableHealthChecks = true; // the same server
                settings.DisableTracing = shared.DisableTracing;
                settings.DisableMetrics = shared.DisableMetrics;
            },
            Configure);
        return builder;
    }

    private static void Configure(NpgsqlDataSourceBuilder dataSource)
    {
        dataSource.UseVector();

        // Every setting of ours is local to its transaction: there is nothing to reset, and the DISCARD ALL that Npgsql would send with the
        // next statement breaks the protocol of a transaction pooler under load.
        dataSource.ConnectionStringBuilder.NoResetOnClose = true;

        // A command is a part of the trace of what sent it. Alone it is a poll, and every few seconds one would bury the others. The
        // opening of a connection can't be told apart, and most connections are opened by polls.
        dataSource.ConfigureTracing(tracing => tracing
            .EnablePhysicalOpenTracing(false)
            .ConfigureCommandFilter(_ => IsTraced())
            .ConfigureBatchFilter(_ => IsTraced())
            .ConfigureCopyOperationFilter(_ => IsTraced()));
    }

    private static bool IsTraced() => Activity.Current is { Recorded: true };

    private static string Validate(string? connectionString, string connectionName)
    {
        if (string.IsNullOrWhiteSpace(connectionString))
        {
            throw new InputException(
                $"no connection string for the database: set 'ConnectionStrings:{connectionName}' (environment: " +
                $"ConnectionStrings__{connectionName}), or 'ConnectionString' in the section '{Section}:{connectionName}' or '{Section}'");
        }

        try
        {
            return Postgres.Connections.DataSources.Normalize(connectionString).ConnectionString;
        }
        catch (InputException e)
        {
            throw new InputException($"'ConnectionStrings:{connectionName}': {e.Message}", e);
        }
    }
}
