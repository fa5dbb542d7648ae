using System.CommandLine;
using TwoTower.Supabase.Http;

namespace TwoTower.Cli.Hosting;

/// <summary>Which Supabase project a verb speaks to. Its key comes from a variable or a file: arguments are for everyone to see.</summary>
internal static class SupabaseOptions
{
    public static readonly Option<string?> Url = new("--url") { Description = "The project's address; without it SUPABASE_URL.", HelpName = "URL" };

    public static readonly Option<string?> KeyFile = new("--key-file")
    {
        Description = "A file that holds the project's secret key (sb_secret_…) or service_role key; without it SUPABASE_SECRET_KEY or SUPABASE_SERVICE_ROLE_KEY.",
        HelpName = "FILE",
    };

    /// <summary>Connects to the project; retries are told.</summary>
    public static SupabaseClient Connect(Session session)
    {
        var project = ProjectAccess.Read(session.Parse.GetValue(Url), session.Parse.GetValue(KeyFile), Environment.GetEnvironmentVariable);
        if (project.IsExposed) session.Terminal.Warn(project.Exposure);
        return new(project, session.Time, session.Terminal.Say);
    }
}
