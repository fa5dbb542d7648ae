using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using TwoTower.Core.Configuration;
using TwoTower.Testing;

namespace TwoTower.AppHost.Tests;

/// <summary>What a run consists of. Nothing is started.</summary>
public class GraphTests
{
    [Fact]
    public async Task A_run_has_the_database_the_migration_demo_data_trainer_embedder_and_the_API()
    {
        await using var builder = await BuildAsync();

        Assert.Equal(
            ["api", "demo-data", "embedder", "migration", "pgweb", "postgres", "trainer", "twotower"],
            builder.Resources.Where(resource => resource is ProjectResource or ContainerResource or PostgresDatabaseResource)
                .Select(resource => resource.Name).Order());
    }

    [Fact]
    public async Task Postgres_has_a_pinned_pgvector_its_data_in_a_volume_and_shared_memory_for_index_builds()
    {
        await using var builder = await BuildAsync();
        var postgres = builder.Resources.OfType<PostgresServerResource>().Single();

        Assert.True(postgres.TryGetContainerImageName(out var image));
        Assert.Matches("^docker.io/pgvector/pgvector:0[.]8[.][4-9]", image);
        var volume = Assert.Single(postgres.Annotations.OfType<ContainerMountAnnotation>());
        Assert.Equal(("/var/lib/postgresql/data", ContainerMountType.Volume), (volume.Target, volume.Type));
        Assert.EndsWith("-postgres-data", volume.Source, StringComparison.Ordinal);
        Assert.Equal(["--shm-size", "1g"], await RuntimeArgumentsAsync(postgres));
    }

    [Fact]
    public async Task Pgweb_waits_to_be_asked_for()
    {
        await using var builder = await BuildAsync();

        Assert.Contains(Resource(builder, "pgweb").Annotations, annotation => annotation is ExplicitStartupAnnotation);
    }

    [Theory]
    [InlineData("demo-data", "migration")]
    [InlineData("trainer", "demo-data")]
    [InlineData("embedder", "migration")]
    [InlineData("api", "migration")]
    public async Task The_schema_comes_first_and_the_demo_data_before_the_training(string resource, string after)
    {
        await using var builder = await BuildAsync();

        Assert.Contains(Resource(builder, resource).Annotations.OfType<WaitAnnotation>(),
            wait => wait.Resource.Name == after && wait.WaitType == WaitType.WaitForCompletion && wait.ExitCode == 0);
    }

    [Fact]
    public async Task Nothing_waits_for_the_trainer()
    {
        await using var builder = await BuildAsync();

        Assert.DoesNotContain(builder.Resources, resource => resource.Annotations.OfType<WaitAnnotation>().Any(wait => wait.Resource.Name == "trainer"));
    }

    [Fact]
    public async Task Without_demo_data_the_trainer_waits_for_the_schema()
    {
        await using var builder = await BuildAsync("--demo-data", "false");

        Assert.DoesNotContain(builder.Resources, resource => resource.Name == "demo-data");
        Assert.Contains(Resource(builder, "trainer").Annotations.OfType<WaitAnnotation>(), wait => wait.Resource.Name == "migration");
    }

    [Fact]
    public async Task The_API_has_replicas_probes_and_a_public_endpoint()
    {
        await using var builder = await BuildAsync("--replicas", "3");
        var api = Resource(builder, "api");

        Assert.Equal(3, api.Annotations.OfType<ReplicaAnnotation>().Single().Replicas);
        var endpoint = Assert.Single(api.Annotations.OfType<EndpointAnnotation>());
        Assert.Equal(("http", true), (endpoint.UriScheme, endpoint.IsExternal));
        Assert.Equal(2, api.Annotations.OfType<HealthCheckAnnotation>().Count());
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("cuda")]
    public async Task The_device_reaches_the_trainer(string device)
    {
        await using var builder = await BuildAsync("--device", device);

        Assert.Equal(device, (await EnvironmentAsync(Resource(builder, "trainer")))["TwoTower__Trainer__Device"]);
    }

    [Fact]
    public async Task The_recipe_reaches_the_trainer()
    {
        await using var builder = await BuildAsync("--recipe", "v2-fast");

        Assert.Equal("v2-fast", (await EnvironmentAsync(Resource(builder, "trainer")))["TwoTower__Trainer__Recipe"]);
    }

    [Fact]
    public async Task A_trainer_from_an_image_gets_the_GPU_passed_in()
    {
        await using var builder = await BuildAsync("--trainer-image", "registry.example/trainer:cuda", "--device", "cuda");
        var trainer = Assert.IsType<ContainerResource>(Resource(builder, "trainer"));

        Assert.Equal(["--gpus", "all"], await RuntimeArgumentsAsync(trainer));
    }

    [Fact]
    public async Task A_trainer_from_an_image_asks_for_no_GPU_that_nobody_asked_for()
    {
        await using var builder = await BuildAsync("--trainer-image", "registry.example/trainer:cpu");

        Assert.Empty(await RuntimeArgumentsAsync(Resource(builder, "trainer")));
    }

    [Theory]
    [InlineData(new string[0], new[] { "--if-needed" })]
    [InlineData(new[] { "--every", "6h" }, new[] { "--every", "6h" })]
    public async Task The_trainer_trains_where_no_release_is_or_in_a_loop(string[] given, string[] arguments)
    {
        await using var builder = await BuildAsync(given);

        Assert.Equal(arguments, await ArgumentsAsync(Resource(builder, "trainer")));
    }

    [Fact]
    public async Task Train_is_a_command_with_a_recipe_and_epochs_for_when_no_training_runs()
    {
        await using var builder = await BuildAsync();
        var train = Resource(builder, "trainer").Annotations.OfType<ResourceCommandAnnotation>().Single(command => command.Name == "train");

        Assert.Equal(["recipe", "epochs"], train.Arguments.Select(argument => argument.Name));
        Assert.Equal(RecipeReader.BuiltInNames, train.Arguments[0].Options!.Select(option => option.Key));
        Assert.Equal(ResourceCommandState.Enabled, State(KnownResourceStates.Finished));
        Assert.Equal(ResourceCommandState.Enabled, State(KnownResourceStates.Exited));
        Assert.Equal(ResourceCommandState.Disabled, State(KnownResourceStates.Running));

        ResourceCommandState State(string state) => train.UpdateState(new UpdateCommandStateContext
        {
            ResourceSnapshot = new CustomResourceSnapshot { ResourceType = "Project", Properties = [], State = state },
            Services = Services.None,
        });
    }

    [Theory]
    [InlineData("trainer", "newest-release", false)]
    [InlineData("embedder", "re-embed", true)]
    [InlineData("trainer", "roll-back", true)]
    public async Task Commands_that_change_what_is_served_ask_first(string resource, string name, bool asks)
    {
        await using var builder = await BuildAsync();
        var command = Resource(builder, resource).Annotations.OfType<ResourceCommandAnnotation>().Single(command => command.Name == name);

        Assert.Equal(asks, command.ConfirmationMessage is { Length: > 0 });
    }

    [Fact]
    public async Task The_API_has_a_port_of_its_own_choosing_only_where_that_is_asked_for()
    {
        await using var any = await BuildAsync("--port", "0");
        Assert.Null(Resource(any, "api").Annotations.OfType<EndpointAnnotation>().Single().Port);

        var free = FreePort.Next();
        await using var named = await BuildAsync("--port", $"{free}");
        Assert.Equal(free, Resource(named, "api").Annotations.OfType<EndpointAnnotation>().Single().Port);
    }

    [Fact]
    public async Task Processes_run_in_the_AppHosts_environment_and_not_in_production()
    {
        await using var builder = await BuildAsync("--environment", "Staging");

        foreach (var process in builder.Resources.OfType<ProjectResource>())
        {
            Assert.Equal("Staging", (await EnvironmentAsync(process))["DOTNET_ENVIRONMENT"]);
        }
    }

    [Fact]
    public async Task The_checkpoint_lies_outside_the_sources()
    {
        await using var builder = await BuildAsync();

        Assert.True(Path.IsPathRooted((string)(await EnvironmentAsync(Resource(builder, "trainer")))["TWOTOWER_HOME"]));
    }

    [Fact]
    public async Task Every_process_gets_the_connection_string_and_nothing_else_about_the_database()
    {
        await using var builder = await BuildAsync("--database", "connection-string", "--ConnectionStrings:twotower", "Host=db.example;Password=secret");

        foreach (var process in builder.Resources.OfType<ProjectResource>())
        {
            var environment = await EnvironmentAsync(process);
            Assert.Contains("ConnectionStrings__twotower", environment.Keys);
            Assert.Empty(environment.Keys.Where(key => key.StartsWith("TWOTOWER_", StringComparison.Ordinal)).Except(["TWOTOWER_HOME", "TWOTOWER_DATABASE"]));
            Assert.Equal("", environment["TWOTOWER_DATABASE"]);
        }
    }

    // A container unless the test says otherwise, wherever the test runs, and a port that nothing has.
    private static Task<IDistributedApplicationTestingBuilder> BuildAsync(params string[] args) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.TwoTower_AppHost>(
            [.. args.Contains("--database") ? [] : new[] { "--database", "container" }, .. args.Contains("--port") ? [] : new[] { "--port", "0" }, .. args]);

    private static IResource Resource(IDistributedApplicationTestingBuilder builder, string name) =>
        builder.Resources.Single(resource => resource.Name == name);

    private static async Task<Dictionary<string, object>> EnvironmentAsync(IResource resource)
    {
        Dictionary<string, object> environment = [];
        var context =
            new EnvironmentCallbackContext(new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run), environment);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            try
            {
                await annotation.Callback(context);
            }
            catch (InvalidOperationException)
            {
                // Aspire's own (telemetry's endpoint, ports) need the started application; ours don't.
            }
        }

        return environment;
    }

    private static async Task<object[]> ArgumentsAsync(IResource resource)
    {
        List<object> arguments = [];
        foreach (var annotation in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
        {
            await annotation.Callback(new CommandLineArgsCallbackContext(arguments));
        }

        return [.. arguments];
    }

    private static async Task<object[]> RuntimeArgumentsAsync(IResource resource)
    {
        List<object> arguments = [];
        foreach (var annotation in resource.Annotations.OfType<ContainerRuntimeArgsCallbackAnnotation>())
        {
            await annotation.Callback(new ContainerRuntimeArgsCallbackContext(arguments));
        }

        return [.. arguments];
    }

    private sealed class Services : IServiceProvider
    {
        public static readonly Services None = new();

        public object? GetService(Type serviceType) => null;
    }
}
