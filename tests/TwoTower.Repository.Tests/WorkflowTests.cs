using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace TwoTower.Repository.Tests;

/// <summary>
/// What can be known of the workflows without running them: they parse, have the parts that GitHub wants, give no more rights than needed,
/// and call scripts that exist.
/// </summary>
public partial class WorkflowTests
{
    private static readonly string[] Triggers = ["push", "pull_request", "schedule", "workflow_dispatch", "workflow_call", "release"];
    private static readonly string[] JobKeys =
        ["name", "runs-on", "needs", "if", "permissions", "strategy", "steps", "timeout-minutes", "env", "services", "outputs",
            "concurrency", "environment", "defaults", "container", "continue-on-error"];
    private static readonly string[] StepKeys = ["name", "id", "if", "uses", "with", "run", "shell", "env", "working-directory", "timeout-minutes", "continue-on-error"];

    public static TheoryData<string> Workflows => [.. RepositoryFiles.With(".yml", ".yaml").Where(path => path.StartsWith(".github/workflows/", StringComparison.Ordinal))];

    [Fact]
    public void There_are_workflows_for_tests_audit_scanning_and_releases() => Assert.True(Workflows.Count >= 4);

    [Theory]
    [MemberData(nameof(Workflows))]
    public void A_workflow_has_a_name_triggers_rights_and_jobs(string path)
    {
        var workflow = Yaml.Read(path);

        Assert.NotNull(workflow.At("name").Text());
        Assert.NotEmpty(workflow.At("on").Keys());
        Assert.Empty(workflow.At("on").Keys().Except(Triggers));
        Assert.Equal("read", workflow.At("permissions").At("contents").Text());
        Assert.NotEmpty(workflow.At("jobs").Keys());
        Assert.Empty(workflow.Keys().Except(["name", "on", "permissions", "concurrency", "env", "jobs", "defaults", "run-name"]));
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public void Each_job_names_a_machine_and_a_time_limit_and_each_step_does_one_thing(string path)
    {
        foreach (var (name, job) in Jobs(path))
        {
            Assert.Empty(job.Keys().Except(JobKeys));
            Assert.False(string.IsNullOrEmpty(job.At("runs-on").Text()), $"{name} has no runs-on");
            Assert.True(int.TryParse(job.At("timeout-minutes").Text(), out _), $"{name} has no timeout-minutes");
            Assert.Empty(job.At("needs").Items().Select(need => need.Text()).Except(Jobs(path).Select(other => other.Name)));
            foreach (var step in job.At("steps").Items())
            {
                Assert.Empty(step.Keys().Except(StepKeys));
                Assert.Single(step.Keys().Intersect(["uses", "run"]));
                // owner/action@version: a branch would run whatever is there that day.
                if (step.At("uses").Text() is { } action) Assert.Matches(@"^[\w.-]+/[\w./-]+@(v\d+(\.\d+)*|[0-9a-f]{40})$", action);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public void Every_script_and_project_that_a_step_names_is_there(string path)
    {
        foreach (var (name, job) in Jobs(path))
        {
            foreach (var command in job.At("steps").Items().Select(step => step.At("run").Text()).OfType<string>())
            {
                foreach (Match called in Script().Matches(command))
                {
                    var file = called.Value.Replace('\\', '/');
                    Assert.True(RepositoryFiles.Exists(file.StartsWith("./", StringComparison.Ordinal) ? file[2..] : file), $"{path}, {name}: {command}");
                }
            }

            foreach (var project in job.At("strategy").At("matrix").At("include").Items().Select(row => row.At("project").Text()).OfType<string>())
            {
                Assert.True(RepositoryFiles.Exists(project), $"{path}, {name}: {project}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public void Every_expression_names_a_context_and_what_a_matrix_or_a_step_has(string path)
    {
        foreach (var (name, job) in Jobs(path))
        {
            var matrix = job.At("strategy").At("matrix");
            string[] variables = [.. matrix.Keys(), .. matrix.At("include").Items().SelectMany(row => row.Keys())];
            string[] ids = [.. job.At("steps").Items().Select(step => step.At("id").Text()).OfType<string>()];
            foreach (Match expression in Expression().Matches(string.Join('\n', Scalars(job))))
            {
                var parts = expression.Groups[1].Value.Split('.');
                Assert.Contains(parts[0], (string[])["github", "matrix", "secrets", "steps", "env", "runner"]);
                if (parts[0] == "matrix") Assert.Contains(parts[1], variables);
                if (parts[0] == "steps") Assert.True(ids.Contains(parts[1]), $"{name} has no step {parts[1]}");
            }
        }
    }

    [Fact]
    public void What_the_API_promises_in_seconds_is_proved_by_a_schedule_and_the_build_has_a_pooler()
    {
        const string strains = ".github/workflows/strains.yml", build = ".github/workflows/build.yml";
        Assert.NotEmpty(Yaml.Read(strains).At("on").At("schedule").Items());
        Assert.Contains("./twotower torture --only strains", Commands(strains));
        Assert.Contains(Commands(build), command => command!.Contains("install -y --no-install-recommends pgbouncer", StringComparison.Ordinal));

        static IEnumerable<string?> Commands(string path) =>
            Jobs(path).SelectMany(job => job.Job.At("steps").Items()).Select(step => step.At("run").Text()).Where(command => command is not null);
    }

    [Fact]
    public void Dependabot_watches_what_is_here_and_nothing_else()
    {
        var file = Yaml.Read(".github/dependabot.yml");
        Assert.Equal("2", file.At("version").Text());
        var watched = file.At("updates").Items().Select(update => (update.At("package-ecosystem").Text(), update.At("directory").Text())).ToList();

        Assert.Contains(("nuget", "/"), watched);
        Assert.Contains(("github-actions", "/"), watched);
        Assert.All(watched, entry => Assert.True(RepositoryFiles.Exists(entry.Item2!), $"{entry.Item2} isn't there"));
        Assert.All(file.At("updates").Items(), update => Assert.Contains(update.At("schedule").At("interval").Text(), (string?[])["daily", "weekly", "monthly"]));
        var npm = RepositoryFiles.With(".json").Where(path => Path.GetFileName(path) == "package.json").Select(path => $"/{Path.GetDirectoryName(path)!.Replace('\\', '/')}");
        Assert.Equal(npm.Order(), watched.Where(entry => entry.Item1 == "npm").Select(entry => entry.Item2 ?? "").Order());
    }

    [Fact]
    public void Issue_forms_have_what_GitHub_wants()
    {
        var forms = RepositoryFiles.With(".yml").Where(path => path.StartsWith(".github/ISSUE_TEMPLATE/", StringComparison.Ordinal) && !path.EndsWith("config.yml", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(forms);
        foreach (var form in forms.Select(Yaml.Read))
        {
            Assert.False(string.IsNullOrEmpty(form.At("name").Text()));
            Assert.False(string.IsNullOrEmpty(form.At("description").Text()));
            var ids = form.At("body").Items().Select(field => field.At("id").Text()).ToList();
            Assert.Equal(ids.Count, ids.Distinct().Count());
            Assert.All(form.At("body").Items(), field =>
            {
                Assert.Contains(field.At("type").Text(), (string?[])["markdown", "input", "textarea", "dropdown", "checkboxes"]);
                Assert.False(string.IsNullOrEmpty(field.At("attributes").At("label").Text()));
            });
        }
    }

    [Fact]
    public void Owners_are_named_for_paths_that_exist()
    {
        var lines = RepositoryFiles.Read(".github/CODEOWNERS").Split('\n').Where(line => line.Length > 0 && line[0] != '#').ToList();

        Assert.NotEmpty(lines);
        Assert.All(lines, line =>
        {
            var parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            Assert.True(parts.Length >= 2 && parts[1..].All(owner => owner.StartsWith('@')), line);
            Assert.True(parts[0] == "*" || RepositoryFiles.Exists(parts[0]), line);
        });
    }

    [Fact]
    public void The_dev_container_is_JSON_with_comments_and_restores_what_is_here()
    {
        var options = new System.Text.Json.JsonDocumentOptions { CommentHandling = System.Text.Json.JsonCommentHandling.Skip };
        using var container = System.Text.Json.JsonDocument.Parse(RepositoryFiles.Read(".devcontainer/devcontainer.json"), options);

        Assert.False(string.IsNullOrEmpty(container.RootElement.GetProperty("image").GetString()));
        Assert.True(RepositoryFiles.Exists(container.RootElement.GetProperty("onCreateCommand").GetString()!.Split(' ')[^1]));
    }

    private static IEnumerable<(string Name, YamlNode Job)> Jobs(string path) =>
        ((YamlMappingNode)Yaml.Read(path).At("jobs")!).Children.Select(job => (job.Key.Text()!, job.Value));

    private static IEnumerable<string> Scalars(YamlNode node) =>
        node is YamlScalarNode scalar ? [scalar.Value ?? ""] : node.Items().SelectMany(Scalars);

    // ./twotower, ./.ci/run, .ci\pgvector.cmd, twotower.cmd, TwoTower.sln
    [GeneratedRegex(@"(?<=^|\s)(?:\./[\w./-]+|\.ci[\\/][\w.]+|[\w.]+\.(?:cmd|sln|slnf|csproj))(?=\s|$)", RegexOptions.Multiline)]
    private static partial Regex Script();

    [GeneratedRegex(@"\$\{\{\s*([\w.-]+)")]
    private static partial Regex Expression();
}
