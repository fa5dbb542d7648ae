using Mono.Cecil;

namespace TwoTower.Architecture.Tests;

/// <summary>The order that docs/architecture.md draws, read from the compiled projects.</summary>
public sealed class ArchitectureTests : IDisposable
{
    private static readonly string[] Executables = ["TwoTower.Api", "TwoTower.Embedder", "TwoTower.Trainer", "twotower", "TwoTower.AppHost"];

    private readonly List<ModuleDefinition> _product = [.. Projects().Select(project => ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, project + ".dll")))];

    public void Dispose() => _product.ForEach(module => module.Dispose());

    [Fact]
    public void A_folder_uses_only_those_below_it() =>
        Assert.Empty(Floors.Violations(_product.SelectMany(module => NamespaceUses.Of(module, "TwoTower")), Floors.BottomUp));

    [Fact]
    public void Every_folder_has_its_place_in_the_order_and_no_place_is_empty() =>
        Assert.Equal(Floors.BottomUp.Order(StringComparer.Ordinal), _product.SelectMany(module => NamespaceUses.Namespaces(module, "TwoTower")).Order(StringComparer.Ordinal).Distinct());

    [Fact]
    public void A_circle_is_found()
    {
        using var module = ModuleDefinition.ReadModule(typeof(Circle.Upper.Caller).Assembly.Location);
        var uses = NamespaceUses.Of(module, "TwoTower.Architecture.Tests.Circle").ToList();
        string[] order = ["TwoTower.Architecture.Tests.Circle.Lower", "TwoTower.Architecture.Tests.Circle.Upper"];
        Assert.Equal(
            "TwoTower.Architecture.Tests.Circle.Lower.Called uses TwoTower.Architecture.Tests.Circle.Upper, which is above it",
            Assert.Single(Floors.Violations(uses, order)));
        Assert.NotEmpty(Floors.Violations(uses, [.. order.Reverse()]));
    }

    [Fact]
    public void Nothing_references_an_executable() =>
        Assert.Empty(_product.SelectMany(module => Referenced(module).Where(Executables.Contains).Select(name => $"{module.Name} → {name}")));

    [Fact]
    public void A_number_that_torch_reads_is_held_until_it_has()
    {
        using var torch = ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, "TorchSharp.dll"));
        var training = _product.Single(module => module.Name == "TwoTower.Training.dll");
        var loose = string.Join('\n', TorchNumbers.Of(training, torch).Distinct());
        Assert.True(loose.Length == 0, loose);
    }

    [Fact]
    public void Only_the_training_references_torch() =>
        Assert.Equal(["TwoTower.Training.dll"], _product.Where(module => Referenced(module).Contains("TorchSharp")).Select(module => module.Name));

    [Theory]
    [InlineData("TwoTower.LocalPostgres", "TwoTower")]
    [InlineData("TwoTower.Core", "TwoTower", "Npgsql", "Pgvector", "Microsoft.EntityFrameworkCore", "Microsoft.AspNetCore")]
    [InlineData("TwoTower.Datasets", "Npgsql", "Pgvector", "Microsoft.EntityFrameworkCore", "Microsoft.AspNetCore")]
    [InlineData("TwoTower.Postgres", "TorchSharp", "Microsoft.AspNetCore")]
    [InlineData("TwoTower.Embedding", "TorchSharp", "Microsoft.AspNetCore", "TwoTower.ServiceDefaults")]
    [InlineData("TwoTower.Training", "Microsoft.AspNetCore", "TwoTower.ServiceDefaults")]
    [InlineData("TwoTower.Supabase", "TorchSharp", "Microsoft.AspNetCore", "TwoTower.ServiceDefaults")]
    public void A_library_does_without(string project, params string[] absent) =>
        Assert.DoesNotContain(
            Referenced(_product.Single(module => module.Name == project + ".dll")), name => absent.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)));

    [Fact]
    public void Statements_are_made_in_one_place_and_rows_are_read_by_name() =>
        Assert.Equal(
            [
                "TwoTower.LocalPostgres.Servers.SqlRow", // the same files, compiled once more
                "TwoTower.LocalPostgres.Servers.SqlStatement",
                "TwoTower.LocalPostgres.Servers.Statements",
                "TwoTower.Postgres.Connections.SqlRow",
                "TwoTower.Postgres.Connections.SqlStatement",
                "TwoTower.Postgres.Connections.Statements",
            ],
            _product.SelectMany(DatabaseCalls.Of).Distinct().Order(StringComparer.Ordinal));

    // Whoever else reads a code expects that very one of a statement of its own.
    [Fact]
    public void What_kind_an_error_of_the_database_is_one_place_knows() =>
        Assert.Equal(
            [
                "TwoTower.Cli.Evaluation.ScratchDatabase",
                "TwoTower.Cli.Hosting.CommandHost", // shows it
                "TwoTower.Embedding.Publishing.PublicTableIndexes",
                "TwoTower.LocalPostgres.GivenServer",
                "TwoTower.LocalPostgres.Servers.ServerProbe",
                "TwoTower.Postgres.Connections.DatabaseErrors",
                "TwoTower.Postgres.Releases.ReleaseStore",
                "TwoTower.Postgres.Releases.VectorWriter",
                "TwoTower.Postgres.Schema.ExistingTables",
                "TwoTower.Postgres.Tables.TableWriter",
                "TwoTower.ServiceDefaults.Database.DatabaseWait",
            ],
            _product.SelectMany(DatabaseCalls.OfErrorCodes).Distinct().Order(StringComparer.Ordinal).ToArray());

    // Core is packed, and a generator skips the internal types of the API's requests.
    [Fact]
    public void Public_is_what_is_packed_or_configured() =>
        Assert.Equal(
            [
                "TwoTower.Postgres.Connections.DatabaseFault", // parameters of tests
                "TwoTower.Postgres.Releases.VectorType", // an option's value
                "TwoTower.Training.Loop.Shortcuts",
            ],
            _product.Where(module => module.Name is not ("TwoTower.Core.dll" or "TwoTower.Web.dll"))
                .SelectMany(module => module.Types)
                .Where(type => type.IsPublic && !type.Name.EndsWith("Options", StringComparison.Ordinal))
                .Where(type => type.Name != "Program" && type.Namespace != "Projects")
                .Select(type => type.FullName).Order(StringComparer.Ordinal).ToArray());

    [Fact]
    public void The_path_of_a_request_goes_without_entities() =>
        Assert.DoesNotContain(
            _product.SelectMany(module => NamespaceUses.Of(module, "TwoTower")).Where(use => use.To == "TwoTower.Postgres.Entities"),
            use => use.From is "TwoTower.Postgres.Serving" or "TwoTower.Postgres.Features" or "TwoTower.Postgres.Impressions");

    private static IEnumerable<string> Referenced(ModuleDefinition module) => module.AssemblyReferences.Select(reference => reference.Name);

    private static IEnumerable<string> Projects() =>
        [.. Floors.BottomUp.Select(name => string.Join('.', name.Split('.').Take(2))).Distinct().Select(name => name == "TwoTower.Cli" ? "twotower" : name)];
}
