using TwoTower.Cli;

return await CommandLine.RunAsync(args);
